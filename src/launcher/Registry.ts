/**
 * The instances of a node that its launcher knows, by id and by name.
 */
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { Instance } from "./Instance.ts"

export class Registry {
  private readonly byId = new Map<InstanceId, Instance>()
  private readonly byName = new Map<string, InstanceId>()
  /** In the order of their ids. Made when somebody asks for it. */
  private ordered: ReadonlyArray<Instance> | undefined = undefined

  get(id: InstanceId): Instance | undefined {
    return this.byId.get(id)
  }

  /** The instance that has a name. */
  named(name: string): InstanceId | undefined {
    return this.byName.get(name)
  }

  enter(instance: Instance): void {
    this.byId.set(instance.id, instance)
    const { name } = instance.spec
    if (name !== undefined) this.byName.set(name, instance.id)
    this.ordered = undefined
  }

  leave({ id, spec: { name } }: { readonly id: InstanceId; readonly spec: InstanceSpec }): void {
    this.byId.delete(id)
    if (name !== undefined) this.byName.delete(name)
    this.ordered = undefined
  }

  /** All of them, in the order of their ids. */
  get all(): ReadonlyArray<Instance> {
    return this.ordered ??= Array.from(this.byId.values()).sort((a, b) => a.id < b.id ? -1 : 1)
  }

  /** Those that anybody was told of, as they are shown. */
  get infos(): ReadonlyArray<InstanceInfo> {
    const infos: Array<InstanceInfo> = []
    for (const { published } of this.all) if (published !== undefined) infos.push(published)
    return infos
  }
}
