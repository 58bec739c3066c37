/** One thread's share of the runs. */
import { parentPort, workerData } from "node:worker_threads"
import { runSeed, share } from "./Runs.ts"
import type { Choices } from "./Outcome.ts"

const { choices, thread, threads }: { choices: Choices; thread: number; threads: number } = workerData

const outcomes = share(choices, thread, threads).map((seed) => runSeed(choices, seed))
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(outcomes)
