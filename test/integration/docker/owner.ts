/** A process that has an engine with a container, says where, and waits to be killed. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect } from "effect"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as TestImages from "../../host/docker/TestImages.ts"

const main = Effect.gen(function*() {
  const engine = yield* DockerEngine.make()
  yield* TestImages.load(engine)
  yield* engine.http.done("POST", "/containers/create?name=guest", { Image: TestImages.reference("deaf") })
  yield* engine.http.done("POST", "/containers/guest/start")
  yield* Console.log(engine.directory)
  return yield* Effect.never
})

Effect.runFork(Effect.provide(Effect.scoped(main), NodeServices.layer))
