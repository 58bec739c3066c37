/**
 * Who may use the API: what a request must bring, as far as clients know of it.
 *
 * `read` sees instances, their consoles' logs and the node; `write` also changes them. Whoever may create instances may read
 * every file that the daemon's configured roots allow, by booting from it.
 */
import { HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import { problems } from "./Problem.ts"

/** A bearer token, where the listener asks for one: the unix socket does not, since its file's mode decides. */
export class Access extends HttpApiMiddleware.Service<Access>()("vivarium/Access", {
  security: {
    bearer: HttpApiSecurity.bearer.pipe(HttpApiSecurity.annotate(
      OpenApi.Description,
      "A token of this daemon. Over its unix socket none is asked for. Whoever may create instances may read the files that the " +
        "daemon's roots allow."
    ))
  },
  error: problems
}) {}

/** Turns everything that goes wrong into a problem document. */
export class Problems extends HttpApiMiddleware.Service<Problems>()("vivarium/Problems", { error: problems }) {}
