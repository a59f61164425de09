/** The part of the WebAssembly JavaScript interface that this room uses: the compiler's library for it comes with the DOM, which a server has not. */
declare global {
  namespace WebAssembly {
    interface Module {
      readonly [Symbol.toStringTag]: "WebAssembly.Module";
    }
    interface Instance {
      readonly exports: Readonly<Record<string, unknown>>;
    }
    interface WebAssemblyInstantiatedSource {
      readonly module: Module;
      readonly instance: Instance;
    }
    interface Memory {
      readonly buffer: ArrayBuffer;
    }
    interface MemoryDescriptor {
      initial: number;
      maximum?: number;
    }
    function compile(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Promise<Module>;
  }
}

export type CompiledModule = WebAssembly.Module;
