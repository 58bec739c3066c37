/**
 * Bugs that the checkers must catch: each is put into one or two source texts as they are loaded, and has a checker that
 * complains of it.
 */

/** A text that takes the place of another in a source, where that is exactly once. */
export interface Edit {
  /** Below `src`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface PlantedBug {
  /** What the sources do wrong then. */
  readonly name: string
  readonly edits: ReadonlyArray<Edit>
  /** The name of the checker that must complain of it, among others or alone. */
  readonly caughtBy: string
}

const bug = (
  name: string,
  caughtBy: string,
  ...edits: ReadonlyArray<readonly [string, string, string]>
): PlantedBug => ({
  name,
  caughtBy,
  edits: edits.map(([file, find, replace]) => ({ file, find, replace }))
})

export const plantedBugs: ReadonlyArray<PlantedBug> = [
  // Supersession

  bug("a superseded step goes on", "the stronger command takes over at once", [
    "launcher/Decision.ts",
    "  return isSame(decide(situation, atMillis), step)",
    "  return isSame(decide(situation, atMillis), step) || step._tag !== \"Wait\""
  ]),
  bug("a delete outranks nobody", "the stronger command takes over at once", [
    "launcher/Wish.ts",
    "      return 2\n",
    "      return 0\n"
  ]),
  bug("a delete waits for a start", "the stronger command takes over at once", [
    "launcher/Wish.ts",
    "  if (command._tag === \"Delete\") return",
    "  if (command._tag === \"Delete\" && desired.power === \"running\" && observed._tag !== \"Running\") return { _tag: \"Later\" }\n" +
    "  if (command._tag === \"Delete\") return"
  ]),
  bug("a start supersedes another", "the stronger command takes over at once", [
    "launcher/Wish.ts",
    "    case \"Start\":\n    case \"Restart\":\n    case \"Withdraw\":\n      return undefined",
    "    case \"Start\":\n    case \"Restart\":\n    case \"Withdraw\":\n      return older._tag === \"Start\" ? \"stop\" : undefined"
  ]),

  // Crashes

  bug("a dead launcher is refused nothing", "a dead launcher does nothing", [
    "backend/simulation/Fence.ts",
    "return Effect.suspend(() => this.#isUp ? f() : this.#refuse)",
    "return Effect.suspend(f)"
  ]),
  bug("a second writer overwrites what it has not read", "revisions grow by one", [
    "testing/SimulatedStore.ts",
    "return revision === known + 1 && there === (unheard.get(id) ?? known)",
    "return revision + known + there > 0"
  ], [
    "launcher/RecordKeeper.ts",
    "    return store.put(next).pipe(",
    "    return (next.desired.power === \"stopped\" && this.saved !== undefined\n" +
    "      ? Effect.andThen(store.put(next), store.put({ ...this.saved, revision: next.revision }))\n" +
    "      : store.put(next)).pipe("
  ]),
  bug("a launcher that begins forgets what was stopped", "no change of a record without a cause", [
    "launcher/Situation.ts",
    "  return { record, observed: expectsGuest",
    "  return { record: { ...record, desired: { ...record.desired, power: \"running\" } }, observed: expectsGuest"
  ]),

  // Answers

  bug("a stop is acknowledged before it is on record", "an acknowledged command is on record", [
    "launcher/Instance.ts",
    "      const beaten = self.waiters.beatenBy(command)\n",
    "      const beaten = self.waiters.beatenBy(command)\n" +
    "      if (command._tag === \"Stop\") self.waiters.answer(waiter, Exit.void)\n"
  ]),
  bug("a stop is acknowledged before the guest has ended", "an acknowledged command is done", [
    "launcher/Verdict.ts",
    "      return isQuiescent(observed) ? Exit.void : undefined\n    case \"Start\":",
    "      return Exit.void\n    case \"Start\":"
  ]),
  bug("who stops is forgotten", "nobody forgotten", [
    "launcher/Waiters.ts",
    "for (const [waiter, answer] of answers) this.answer(waiter, answer)",
    "for (const [waiter, answer] of answers) if (waiter.command._tag !== \"Stop\") this.answer(waiter, answer)"
  ]),
  bug("who stops is never answered", "answered exactly once", [
    "launcher/Waiters.ts",
    "for (const [waiter, answer] of answers) this.answer(waiter, answer)",
    "for (const [waiter, answer] of answers) if (waiter.command._tag !== \"Stop\") this.answer(waiter, answer)"
  ], [
    "launcher/Callers.ts",
    "    return Effect.timeoutOrElse(Deferred.await(waiter.answer), {\n      duration: deadline,",
    "    return Effect.timeoutOrElse(Deferred.await(waiter.answer), {\n      duration: Duration.infinity,"
  ]),
  bug("a start that is given up stands", "an acknowledged command is on record", [
    "launcher/Instance.ts",
    "if (command._tag === \"Withdraw\" && !self.waiters.isToUndo(command.start, self.record)) return \"done\"",
    "if (command._tag === \"Withdraw\") return \"done\""
  ]),

  bug("that a start is given up is never on record", "an acknowledged command is on record", [
    "launcher/Instance.ts",
    "if (command._tag === \"Withdraw\") self.situation = { observed, record: next }",
    "if (command._tag === \"Withdraw\") {\n" +
    "          self.situation = { observed, record: next }\n" +
    "          self.keeper.saved = next\n" +
    "          return \"done\"\n" +
    "        }"
  ]),

  // Guests and their volumes

  bug("a guest that runs is taken for none", "one guest for each instance", [
    "launcher/Learning.ts",
    "observed: { _tag: \"Launched\", doubt: hasConnected(record) ? doubt : undefined }",
    "observed: { _tag: \"Created\" }"
  ], [
    // A host that lets it happen.
    "backend/simulation/SimulatedLaunch.ts",
    "if (place?.machine !== undefined) {",
    "if (place === undefined) {"
  ]),
  bug("a lost guest is taken for one that has ended", "no end without proof", [
    "launcher/Learning.ts",
    "  end._tag === \"Exited\"\n    ? over(situation, { _tag: \"Created\" }, end.status, moment)",
    "  end._tag === \"Exited\" || end._tag === \"Lost\"\n" +
    "    ? over(situation, { _tag: \"Created\" }, end._tag === \"Exited\" ? end.status : ExitStatus.unknown, moment)"
  ]),
  bug("a launch is not on record", "no guest without a record", [
    "launcher/Instance.ts",
    "if (step._tag === \"Launch\" && !(yield* self.arm(step, parent))) return\n",
    "if (step._tag === \"Launch\") {\n" +
    "        const { record } = self.situation\n" +
    "        self.situation = { ...self.situation, record: { ...record, boot: record.desired.epoch, connectedMillis: null } }\n" +
    "      }\n"
  ]),
  bug("a volume is given back when its instance stops", "a writable volume in one guest only", [
    "launcher/InstanceVolumes.ts",
    "const wanted = desired.power === \"deleted\" && isQuiescent(observed) ? [] :",
    "const wanted = isQuiescent(observed) ? [] :"
  ], [
    // A host that lets it happen.
    "backend/simulation/VolumeHolders.ts",
    "(holder) => !readOnly || !holder.readOnly",
    "(holder) => readOnly && holder.machine.pid < 0"
  ]),
  bug("what an interrupted stop did is assumed", "the host's rules", [
    "launcher/Learning.ts",
    "return isQuiescent(observed) ? situation : { record, observed: look(doubtOf(observed)) }",
    "return isQuiescent(observed) ? situation : { record, observed: { _tag: \"Created\" } }"
  ]),
  bug("a guest is never paused", "as desired in the end", [
    "launcher/Decision.ts",
    "if (desired.power === \"paused\" && !observed.paused) return { _tag: \"Pause\" }",
    ""
  ]),
  bug("the end of a guest costs its volumes", "no change of a record without a cause", [
    "launcher/RestartPolicy.ts",
    "return { ...record, desired: { ...desired, power: \"stopped\" }, ended }",
    "return { ...record, desired: { ...desired, power: \"stopped\", volumes: [] }, ended }"
  ]),

  // Restarts

  bug("what ended is given up one restart early", "the restart policy is kept", [
    "launcher/RestartPolicy.ts",
    "if (restarts >= limits.restartsMax) {",
    "if (restarts + 1 >= limits.restartsMax) {"
  ]),
  bug("what powered itself off is started again under on-failure", "the restart policy is kept", [
    "launcher/RestartPolicy.ts",
    "return policy === \"always\" || outcome._tag === \"Failed\" || ExitStatus.isFailure(outcome.status)",
    "return outcome._tag === \"Failed\" || outcome._tag === \"Exited\" || ExitStatus.isFailure(outcome.status)"
  ]),
  bug("what is to be started again does not wait", "the restart policy is kept", [
    "launcher/Decision.ts",
    "return desired.notBeforeMillis > nowMillis\n",
    "return desired.notBeforeMillis > nowMillis && observed._tag === \"Absent\"\n"
  ]),
  bug("a restart leaves the guest as it is", "an acknowledged command is done", [
    "launcher/Wish.ts",
    "if (desired.power === \"stopped\" || !isAwaitingLaunch(record)) return desire(nextStart(desired))",
    "if (desired.power === \"stopped\") return desire(nextStart(desired))"
  ]),

  // The node

  bug("a node in maintenance starts what is asked for", "a node in maintenance starts nothing", [
    "launcher/Launcher.ts",
    "return state.refusal ?? (detail === undefined",
    "return (detail === undefined"
  ]),
  bug("an evacuation leaves guests", "a node in maintenance starts nothing", [
    "launcher/Removals.ts",
    "Effect.andThen(stop), Effect.andThen(isWanted), Effect.andThen(gone(node, id))",
    "Effect.andThen(isWanted), Effect.as(stop), Effect.as(gone(node, id)), Effect.asVoid"
  ]),
  bug("what a guest held is not given back", "the books are the sum over the instances", [
    "launcher/Books.ts",
    "    this.books.countGuest(this.spec, needs ? 1 : -1)",
    "    if (needs) this.books.countGuest(this.spec, 1)"
  ]),
  bug("an orphan whose guest has gone is not told", "as desired in the end", [
    "launcher/Orphans.ts",
    "for (const id of leftovers) if (isOrphan(id)) orphans.set(id, { id, guest: undefined })",
    ""
  ]),
  bug("an orphan's files are left", "as desired in the end", [
    "launcher/Orphans.ts",
    "Effect.andThen(virtualizer.destroy({ id, handle: \"\" }), virtualizer.discard(id, directory))",
    "virtualizer.destroy({ id, handle: directory })"
  ]),

  // Deletes

  bug("a record is removed before what it is of", "nothing left after an acknowledged delete", [
    "launcher/Decision.ts",
    "      return { _tag: \"DeleteImage\" }",
    "      return { _tag: \"Forget\" }"
  ]),
  bug("an instance's directory is left", "nothing left after an acknowledged delete", [
    "launcher/Step.ts",
    "Effect.andThen(guest.deleteImage, tools.store.removeDirectory(record.id))",
    "guest.deleteImage"
  ]),
  bug("a disk is deleted under its guest", "the host's rules", [
    "launcher/Decision.ts",
    "    case \"Launched\":\n    case \"Running\":\n      return stopNow",
    "    case \"Launched\":\n    case \"Running\":\n      return { _tag: \"DeleteImage\" }"
  ]),

  bug("what was created goes when its first start fails", "no change of a record without a cause", [
    "launcher/InstanceRecord.ts",
    "  boot === 0 && desired.epoch <= 1 && !created",
    "  boot === 0 && desired.epoch <= 1"
  ]),

  // Waits, and what is left

  bug("a guest may take for ever to connect", "deadlines kept", [
    "launcher/Step.ts",
    "      return config.connectDeadline",
    "      return undefined"
  ]),
  bug("a monitor goes on when its instance has let go of it", "the host's rules", [
    "launcher/Watching.ts",
    "return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)",
    "return scope === undefined ? Effect.void : Effect.void"
  ]),
  bug("a fiber goes on when its launcher has gone", "no fiber or timer left", [
    "launcher/Step.ts",
    "  yield* Scope.provide(monitor.follow(follower(monitor)), scope)\n",
    "  yield* Scope.provide(monitor.follow(follower(monitor)), scope)\n" +
    "  yield* Effect.forkDetach(Effect.never, { startImmediately: true })\n"
  ]),

  // Events

  bug("an event is told twice", "legal moves only", [
    "launcher/Publication.ts",
    "    if (!isSo) publish({ _tag: \"StateChanged\", state, starts })",
    "    if (!isSo) publish({ _tag: \"StateChanged\", state, starts })\n" +
    "    if (!isSo) publish({ _tag: \"StateChanged\", state, starts })"
  ]),
  bug("nobody is told that a guest runs", "events without gaps", [
    "launcher/Publication.ts",
    "    if (!isSo) publish({ _tag: \"StateChanged\", state, starts })",
    "    if (!isSo && state._tag !== \"Running\") publish({ _tag: \"StateChanged\", state, starts })"
  ]),
  bug("nobody is told of a volume", "events without gaps", [
    "launcher/Publication.ts",
    "    if (!hasVolumes) publish({ _tag: \"VolumesChanged\", volumes })",
    ""
  ])
]
