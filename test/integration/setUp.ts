/**
 * What all integration tests have in common: the programs, bundled once.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, Exit, Scope } from "effect"
import type { TestProject } from "vitest/node"
import * as Programs from "../host/Programs.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Where the bundled programs are. */
    readonly programs: string
  }
}

/** Before the first of them, and after the last. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const scope = Scope.makeUnsafe()
  const directory = await Effect.runPromise(
    Programs.bundled.pipe(Scope.provide(scope), Effect.provide(NodeServices.layer))
  )
  project.provide("programs", directory)
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}
