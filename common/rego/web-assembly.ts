/** The part of the WebAssembly JavaScript interface that is used here: the compiler's library for it comes with the DOM, which a server has not. */
declare global {
  namespace WebAssembly {
    class Module {
      readonly [Symbol.toStringTag]: "WebAssembly.Module";
    }
    class Instance {
      constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
      readonly exports: Readonly<Record<string, unknown>>;
    }
    interface WebAssemblyInstantiatedSource {
      readonly module: Module;
      readonly instance: Instance;
    }
    class Memory {
      constructor(descriptor: MemoryDescriptor);
      readonly buffer: ArrayBuffer;
      grow(pages: number): number;
    }
    interface MemoryDescriptor {
      initial: number;
      maximum?: number;
    }
    function compile(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Promise<Module>;
  }
}

export type CompiledModule = WebAssembly.Module;
