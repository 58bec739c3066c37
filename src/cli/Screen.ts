/**
 * The terminal, where commands need more of it than lines.
 */
import { Context, type Effect, type Scope } from "effect"

export class Screen extends Context.Service<Screen, {
  /**
   * Every key goes to the program as it is, those for signals too, while the scope is open. Whatever ends the program, the terminal
   * is as before.
   */
  readonly raw: Effect.Effect<void, never, Scope.Scope>
}>()("vivarium/Screen") {}
