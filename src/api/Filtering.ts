/**
 * Which instances a request means.
 */
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { Tag } from "../domain/InstanceState.ts"

/** The conditions of a request; of labels all must hold, of the others one. */
export interface Conditions {
  readonly label?: ReadonlyArray<string> | undefined
  readonly state?: ReadonlyArray<Tag> | undefined
  readonly name?: ReadonlyArray<string> | undefined
  readonly prefix?: string | undefined
}

/** Whether an instance's labels have `key=value`, or a `key`. */
const hasLabel = (labels: Readonly<Record<string, string>>) => (label: string): boolean => {
  const equals = label.indexOf("=")
  return equals < 0
    ? Object.hasOwn(labels, label)
    : Object.hasOwn(labels, label.slice(0, equals)) && labels[label.slice(0, equals)] === label.slice(equals + 1)
}

/** Whether an instance meets the conditions. */
export const meets = ({ label, name, prefix, state }: Conditions) => (instance: InstanceInfo): boolean =>
  (prefix === undefined || instance.spec.id.startsWith(prefix)) &&
  (state === undefined || state.includes(instance.state._tag)) &&
  (name === undefined || (instance.spec.name !== undefined && name.includes(instance.spec.name))) &&
  (label === undefined || label.every(hasLabel(instance.spec.labels)))
