import { Effect } from "effect"
import * as Net from "node:net"

/** Types at the console whose socket this is. Nothing happens where nobody listens. */
export const typeAt = (socket: string, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const connection = Net.createConnection({ path: socket }, () => connection.end(text))
    connection.on("error", () => resume(Effect.void))
    connection.on("close", () => resume(Effect.void))
    connection.resume()
    return Effect.sync(() => connection.destroy())
  })
