// count.mjs REPORT STATUS BROKEN
//
// Prints `N passed, M failed` and, if there are any, `, K skipped`; exits 1 unless nothing failed.
//   REPORT   what vitest's JSON reporter wrote; there may be none
//   STATUS   vitest's exit status
//   BROKEN   how many other things failed
// It is JavaScript because it must also work when the set-up failed, on whatever Node is there.
import { existsSync, readFileSync } from "node:fs"

const [report, status, broken] = process.argv.slice(2)
const files = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : []
const count = (...statuses) =>
  files.flatMap((file) => file.assertionResults).filter((test) => statuses.includes(test.status)).length

const passed = count("passed")
const skipped = count("skipped", "pending", "todo", "disabled")
// A file that can not be loaded, or whose hooks fail, has failed without a test that did.
const brokenFiles =
  files.filter((file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"))
    .length

let failed = count("failed") + brokenFiles + Number(broken)
// Vitest also fails on what belongs to no test, such as an unhandled rejection, or before it could write a report.
if (failed === Number(broken) && status !== "0") failed += 1
// No test at all is no success either.
if (failed === 0 && passed === 0) failed = 1

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`)
process.exitCode = failed > 0 ? 1 : 0
