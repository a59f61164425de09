import { DUMMY_FOLDER } from "../../common/dummy-keys.ts";
import { ANNOTATIONS, POD_PARTS } from "../../common/labels.ts";
import type { ReadContainer, ReadPod } from "../resources/pod.ts";

/** What a container gets of the grants that it holds: variables, and the texts of the files that some of them name, by the variable. */
export interface ContainerDummies {
  readonly variables: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

interface DummyFile {
  readonly container: string;
  readonly name: string;
  readonly annotation: string;
  readonly text: string;
}

/**
 * Puts the files of dummies into a pod, for each container its own: the texts are annotations, the kubelet writes them. There is nothing secret in
 * them, and nothing else has to be made or cleaned away.
 */
export function withDummyFiles(pod: ReadPod, dummies: Readonly<Record<string, ContainerDummies>>): ReadPod {
  const named = Object.entries(dummies).flatMap(([container, { files }]) => Object.entries(files).map(([name, text]) => ({ container, name, text })));
  if (named.length === 0) return pod;
  const files = named.map((file, index): DummyFile => ({ ...file, annotation: `${ANNOTATIONS.dummyFile}${index}` }));
  const holders = new Set(files.map(({ container }) => container));
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...Object.fromEntries(files.map(({ annotation, text }) => [annotation, text])) } },
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((container) => (holders.has(container.name) ? withMount(container) : container)),
      volumes: [...pod.spec.volumes ?? [], volumeOf(files)],
    },
  };
}

function withMount(container: ReadContainer): ReadContainer {
  return { ...container, volumeMounts: [...container.volumeMounts ?? [], { name: POD_PARTS.dummyVolume, mountPath: DUMMY_FOLDER, subPath: container.name, readOnly: true }] };
}

function volumeOf(files: readonly DummyFile[]): NonNullable<ReadPod["spec"]["volumes"]>[number] {
  const items = files.map(({ container, name, annotation }) => ({ path: `${container}/${name}`, fieldRef: { fieldPath: `metadata.annotations['${annotation}']` } }));
  return { name: POD_PARTS.dummyVolume, downwardAPI: { items } };
}
