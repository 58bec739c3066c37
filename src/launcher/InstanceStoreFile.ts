/**
 * Records as files of a state directory:
 *
 * ```
 * lock              held by the one launcher of the directory
 * incarnation       the number of the last launcher
 * records/ID.json   one record for each instance
 * node.json         whether the node is in maintenance
 * unreadable/       records that could not be read
 * instances/ID/     what belongs to one instance
 * ```
 */
import { Effect, FileSystem, Layer, Path, type PlatformError, Result, Schema, type Scope } from "effect"
import { InstanceId } from "../domain/InstanceId.ts"
import type { UnreadableRecord } from "../domain/NodeStatus.ts"
import * as Directories from "../internal/Directories.ts"
import * as DurableFile from "../internal/DurableFile.ts"
import * as FileText from "../internal/FileText.ts"
import * as SystemFailure from "../internal/SystemFailure.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import { type Found, InstanceStore, StoreError } from "./InstanceStore.ts"
import * as NodeRecord from "./NodeRecord.ts"
import * as RecordText from "./RecordText.ts"
import * as StateLock from "./StateLock.ts"

const NodeJson = Schema.fromJsonString(Schema.toCodecJson(NodeRecord.NodeRecord))
const encodeNode = Schema.encodeEffect(NodeJson)
const decodeNode = Schema.decodeEffect(NodeJson)
const isInstanceId = Schema.is(InstanceId)

const failed = (doing: string) => (error: PlatformError.PlatformError) =>
  new StoreError({ message: `${doing}: ${SystemFailure.wordsOf(error)}` })

/**
 * The store of a state directory, which is created where it does not exist. Holds the directory's lock as long as the
 * scope is open. Fails, naming the holder, when another launcher has it.
 */
export const make = Effect.fn("InstanceStoreFile.make")(function*(
  stateDirectory: string
): Effect.fn.Return<
  InstanceStore["Service"],
  StoreError,
  FileSystem.FileSystem | Path.Path | Scope.Scope
> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { isAbsolute, join } = path
  if (!isAbsolute(stateDirectory)) {
    return yield* new StoreError({ message: `${stateDirectory} is not an absolute path: write it in full, from / on` })
  }
  // Guests run as another user: it may pass through to its instance's directory, and read nothing on the way.
  const ensure = (path: string, mode: number) =>
    Effect.flatMap(fs.exists(path), (isThere) =>
      // The mode again, since whoever runs this may have masked it.
      isThere ? Effect.void : Effect.andThen(Directories.make(path, mode), fs.chmod(path, mode))).pipe(
        Effect.mapError(failed(`${path} can not be made`))
      )
  yield* ensure(stateDirectory, 0o711)
  // However it is called, it is the same directory: guests are known again by what theirs are called.
  const root = yield* fs.realPath(stateDirectory).pipe(Effect.mapError(failed(`${stateDirectory} can not be found`)))
  const records = join(root, "records")
  const instances = join(root, "instances")
  const aside = join(root, "unreadable")
  const recordPath = (id: InstanceId) => join(records, `${id}.json`)
  yield* ensure(instances, 0o711)
  yield* ensure(records, 0o700)
  const isLocked = yield* StateLock.acquire(join(root, "lock"))
  const directory = yield* DurableFile.openDirectory(records).pipe(
    Effect.mapError(failed(`${records} can not be read`))
  )
  const incarnation = yield* nextIncarnation(join(root, "incarnation"))
  const revisions = new Map<InstanceId, number>()
  const texts = new RecordText.RecordText()

  /** What was set aside, by name, and not removed since. */
  const setAsideNames = new Set<string>()
  const setAside = Effect.fnUntraced(function*(name: string, why: string, from = records) {
    const path = join(aside, `${incarnation}-${name}`)
    yield* fs.makeDirectory(aside, { recursive: true, mode: 0o700 })
    yield* fs.rename(join(from, name), path)
    setAsideNames.add(`${incarnation}-${name}`)
    return { path, why } satisfies UnreadableRecord
  }, Effect.mapError(failed(`${aside} can not take an unreadable record`)))

  const nodePath = join(root, "node.json")

  const loadNode = Effect.gen(function*() {
    const text = yield* Effect.result(fs.readFileString(nodePath))
    if (Result.isFailure(text) && text.failure.reason._tag === "NotFound") {
      return { node: NodeRecord.inService, unreadable: [] }
    }
    const why = yield* Effect.flip(Effect.flatMap(Effect.fromResult(text), decodeNode)).pipe(
      Effect.map((error) => error._tag === "PlatformError" ? SystemFailure.wordsOf(error) : error.message),
      Effect.catch((node) => Effect.succeed(node))
    )
    if (typeof why !== "string") return { node: why, unreadable: [] }
    return { node: NodeRecord.inDoubt, unreadable: [yield* setAside("node.json", why, root)] }
  })

  /** The record in a file, or why there is none. Fails with what keeps all records from being read: that says nothing of this one. */
  const read = (name: string): Result.Result<InstanceRecord, string> | StoreError => {
    const path = join(records, name)
    const text = FileText.read(path)
    if (Result.isFailure(text)) {
      const { failure } = text
      return failure.isOfFile
        ? Result.fail(failure.message)
        : new StoreError({ message: `${path} can not be read: ${failure.message}` })
    }
    const record = Result.mapError(RecordText.decode(text.success), ({ message }) => message)
    return Result.filterOrFail(
      record,
      ({ id }) => `${id}.json` === name,
      ({ id }) => `it is the record of ${id}`
    )
  }

  const load = Effect.gen(function*() {
    const names = yield* fs.readDirectory(records).pipe(Effect.mapError(failed(`${records} can not be read`)))
    // What a killed launcher was writing was never acknowledged: the record before stands.
    yield* Effect.forEach(
      names.filter((name) => DurableFile.isPartial(name)),
      (name) => Effect.ignore(fs.remove(join(records, name)))
    )
    const found: Array<InstanceRecord> = []
    const unreadable: Array<UnreadableRecord> = []
    for (const [index, name] of names.filter((name) => name.endsWith(".json")).entries()) {
      // Others may have their turn now and then, such as who interrupts this.
      if (index % readsAtOnce === 0) yield* Effect.yieldNow
      const record = read(name)
      if (!Result.isResult(record)) return yield* record
      if (Result.isFailure(record)) unreadable.push(yield* setAside(name, record.failure))
      else {
        revisions.set(record.success.id, record.success.revision)
        found.push(record.success)
      }
    }
    const node = yield* loadNode
    return { records: found, unreadable: [...node.unreadable, ...unreadable], node: node.node } satisfies Found
  })

  const mustBeLocked = Effect.flatMap(
    isLocked,
    (is) => is ? Effect.void : Effect.fail(new StoreError({ message: `the lock of ${stateDirectory} was lost` }))
  )

  const put = Effect.fnUntraced(function*(record: InstanceRecord) {
    const last = revisions.get(record.id) ?? 0
    if (record.revision !== last + 1) {
      return yield* new StoreError({
        message:
          `record ${record.id} was to become revision ${record.revision}, but is at ${last}: somebody else wrote it`
      })
    }
    yield* mustBeLocked
    const text = texts.encode(record)
    yield* DurableFile.write(recordPath(record.id), text, directory).pipe(
      Effect.provideService(FileSystem.FileSystem, fs),
      Effect.mapError(failed(`${recordPath(record.id)} can not be written`))
    )
    revisions.set(record.id, record.revision)
  })

  const remove = Effect.fnUntraced(function*(id: InstanceId) {
    yield* fs.remove(recordPath(id), { force: true }).pipe(
      Effect.andThen(directory.sync),
      Effect.mapError(failed(`${recordPath(id)} can not be removed`))
    )
    revisions.delete(id)
  })

  const directoryOf = (id: InstanceId) => {
    if (!isInstanceId(id)) throw new Error(`not an instance id: ${id}`)
    return join(instances, id)
  }

  const removeDirectory = Effect.fnUntraced(function*(id: InstanceId) {
    yield* fs.remove(directoryOf(id), { recursive: true, force: true }).pipe(
      Effect.mapError(failed(`${directoryOf(id)} can not be removed`))
    )
  })

  const putNode = Effect.fnUntraced(function*(record: NodeRecord.NodeRecord) {
    yield* mustBeLocked
    const text = yield* Effect.orDie(encodeNode(record))
    yield* DurableFile.replace(nodePath, text).pipe(
      Effect.provideService(FileSystem.FileSystem, fs),
      Effect.provideService(Path.Path, path),
      Effect.mapError(failed(`${nodePath} can not be written`))
    )
  })

  const namesIn = (path: string) =>
    fs.readDirectory(path).pipe(
      Effect.catchIf((error) => error.reason._tag === "NotFound", () => Effect.succeed([])),
      Effect.mapError(failed(`${path} can not be read`))
    )

  /** Of what instance a record is that was set aside. */
  const idAside = (name: string): string => name.replace(/^\d+-|\.json$/g, "")

  const leftovers = Effect.gen(function*() {
    const recorded = new Set(yield* namesIn(records))
    const ids = [...yield* namesIn(instances), ...(yield* namesIn(aside)).map(idAside)]
    return Array.from(new Set(ids)).filter((id) => isInstanceId(id)).filter((id) => !recorded.has(`${id}.json`))
  })

  const removeUnreadable = Effect.fnUntraced(function*(of: InstanceId | undefined) {
    yield* mustBeLocked
    // Also those that were removed before, where that was not told: it failed then for another.
    const names = Array.from(new Set([...yield* namesIn(aside), ...setAsideNames]))
    const theirs = names.filter((name) => of === undefined ? !isInstanceId(idAside(name)) : idAside(name) === of)
    const paths = theirs.map((name) => join(aside, name))
    yield* Effect.forEach(
      paths,
      (path) => Effect.mapError(fs.remove(path, { force: true }), failed(`${path} can not be removed`)),
      { discard: true }
    )
    if (paths.length > 0) {
      yield* Effect.scoped(Effect.flatMap(DurableFile.openDirectory(aside), ({ sync }) => sync)).pipe(
        Effect.provideService(FileSystem.FileSystem, fs),
        Effect.mapError(failed(`${aside} can not be written`))
      )
    }
    for (const name of theirs) setAsideNames.delete(name)
    return paths
  })

  return {
    incarnation,
    load,
    put,
    remove,
    directory: directoryOf,
    removeDirectory,
    putNode,
    leftovers,
    removeUnreadable
  }
})

/** How many records are read before others have their turn: a few milliseconds' worth. */
const readsAtOnce = 64

/** Durably counts the launchers of a state directory. */
const nextIncarnation = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(path).pipe(
    Effect.catchIf((error) => error.reason._tag === "NotFound", () => Effect.succeed("0")),
    Effect.mapError(failed(`${path} can not be read`))
  )
  if (!/^\d{1,15}\s*$/.test(text)) {
    return yield* new StoreError({
      message: `${path} does not hold a number: write into it one above every number it ever held`
    })
  }
  const next = Number(text) + 1
  yield* DurableFile.replace(path, `${next}\n`).pipe(Effect.mapError(failed(`${path} can not be written`)))
  return next
})

/** The store of a state directory. */
export const layer = (stateDirectory: string): Layer.Layer<
  InstanceStore,
  StoreError,
  FileSystem.FileSystem | Path.Path
> => Layer.effect(InstanceStore, make(stateDirectory))
