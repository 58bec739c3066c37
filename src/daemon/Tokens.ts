/**
 * Bearer tokens. The file holds their SHA-256, one for each name: a token is 256 random bits, so that its hash tells nothing of it.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { Context, Effect, FileSystem, Layer, Redacted, Ref, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { Base64Url } from "effect/encoding"
import type { Principal } from "../api/AccessControl.ts"
import { ConfigError } from "./ConfigSources.ts"

/** A token, as it is kept. */
const Entry = Schema.Struct({
  name: Schema.String.check(
    Schema.isPattern(/^[A-Za-z0-9._-]{1,64}$/, { expected: "a name: letters, digits, '.', '_' and '-'" })
  ),
  /** `write` includes `read`. Whoever has it may read the files that the daemon's roots allow, by booting from them. */
  scope: Schema.Literals(["read", "write"]),
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "a SHA-256 in hexadecimal" }))
})

type Entry = typeof Entry.Type

const File = Schema.fromJsonString(Schema.Struct({ tokens: Schema.Array(Entry) }))

const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest()

const unreadable = (path: string, why: string) =>
  new ConfigError({ message: `${path}: ${why}: write it with vivd token create` })

/** The tokens of a file. One that others may read or write is refused. */
const load = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* Effect.mapError(fs.stat(path), () => unreadable(path, "can not be read"))
  if ((info.mode & 0o077) !== 0) {
    return yield* new ConfigError({ message: `${path}: others than its owner may use it: run chmod 600 ${path}` })
  }
  const text = yield* Effect.mapError(fs.readFileString(path), () => unreadable(path, "can not be read"))
  const { tokens } = yield* Effect.mapError(
    Schema.decodeEffect(File)(text),
    () => unreadable(path, "is no file of tokens")
  )
  return tokens
})

/** Adds a token to a file, in place of the one of that name, and answers it. It is not kept anywhere. */
export const create = Effect.fnUntraced(function*(path: string, name: string, scope: Entry["scope"]) {
  const fs = yield* FileSystem.FileSystem
  const random = yield* SecureRandom.SecureRandom
  const isThere = yield* Effect.orElseSucceed(fs.exists(path), () => false)
  const others = (isThere ? yield* load(path) : []).filter((entry) => entry.name !== name)
  const token = `viv_${Base64Url.encode(yield* random.randomBytes(32))}`
  const text = yield* Schema.encodeEffect(File)({
    tokens: [...others, { name, scope, sha256: hashOf(token).toString("hex") }]
  }).pipe(Effect.mapError(() => new ConfigError({ message: `${name}: must be letters, digits, '.', '_' and '-'` })))
  const failed = () => new ConfigError({ message: `${path} can not be written: make its directory writable` })
  const partial = `${path}.partial`
  yield* Effect.mapError(fs.remove(partial, { force: true }), failed)
  yield* Effect.mapError(fs.writeFileString(partial, `${text}\n`, { mode: 0o600, flag: "wx" }), failed)
  yield* Effect.mapError(fs.rename(partial, path), failed)
  return Redacted.make(token)
})

export class Tokens extends Context.Service<Tokens, {
  /** Who has a token, if anybody. */
  readonly find: (token: Redacted.Redacted) => Effect.Effect<Principal | undefined>
  readonly count: Effect.Effect<number>
  /** Reads the file again. On failure the tokens stay as they were. */
  readonly reload: Effect.Effect<void, ConfigError>
}>()("vivarium/Tokens") {}

/** The tokens of a file; none, where there is no file. */
export const layer = (path: string | undefined): Layer.Layer<Tokens, ConfigError, FileSystem.FileSystem> =>
  Layer.effect(
    Tokens,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const loaded = path === undefined
        ? Effect.succeed<ReadonlyArray<Entry>>([])
        : Effect.provideService(load(path), FileSystem.FileSystem, fs)
      const entries = yield* Ref.make(yield* loaded)
      return Tokens.of({
        find: (token) =>
          Effect.map(Ref.get(entries), (entries) => {
            const hash = hashOf(Redacted.value(token))
            // All are compared, each in the same time, so that how long it takes tells nothing.
            let found: Principal | undefined
            for (const entry of entries) {
              if (timingSafeEqual(Buffer.from(entry.sha256, "hex"), hash)) found = entry
            }
            return found
          }),
        count: Effect.map(Ref.get(entries), ({ length }) => length),
        reload: Effect.flatMap(loaded, (again) => Ref.set(entries, again))
      })
    })
  )
