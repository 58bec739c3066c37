/**
 * What an endpoint needs of who asks.
 */
import { Context } from "effect"

/** What a request is allowed. `write` includes `read`. */
export type Scope = "read" | "write"

/** What an endpoint needs, where its method does not say so: GET needs `read`, all else `write`. */
export class Needs extends Context.Reference<Scope | undefined>("vivarium/Needs", { defaultValue: () => undefined }) {}
