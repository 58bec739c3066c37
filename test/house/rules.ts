/**
 * What the sources may not contain, each with what to use in its place.
 */

/** A rule about the text of one file. */
export interface Rule {
  readonly name: string
  /** What must not be there. */
  readonly banned: RegExp
  /** What to use in its place. */
  readonly instead: string
  /** The files it is about. */
  readonly files: RegExp
  /** Files it is about that may do it all the same. */
  readonly except?: RegExp
  /** Whether comments count too. */
  readonly inComments?: true
  /** Texts that break it, and texts that do not. */
  readonly examples: { readonly wrong: ReadonlyArray<string>; readonly right: ReadonlyArray<string> }
}

const src = /^src\//
const test = /^test\//
const everywhere = /^(src|test)\//
/** Where programs begin and end: the only places outside of Effect. */
const programs = /^src\/(daemon|cli)\/(main|bin)\.ts$/

export const rules: ReadonlyArray<Rule> = [
  {
    name: "the time",
    banned: /\bDate\.now\(|\bnew Date\b|\bperformance\.(now|timeOrigin)\b|\bprocess\.hrtime\b/,
    instead: "Clock.currentTimeMillis or DateTime.now",
    files: src,
    examples: {
      wrong: ["const now = Date.now()", "const now = new Date()", "const t = performance.now()"],
      right: ["const now = yield* Clock.currentTimeMillis", "const now = yield* DateTime.now"]
    }
  },
  {
    name: "timers",
    banned: /\b(setTimeout|setInterval|setImmediate)\b|"node:timers/,
    instead: "Effect.sleep, or a Schedule",
    files: src,
    except: programs,
    examples: {
      wrong: [
        "setTimeout(done, 10)",
        "globalThis.setInterval(tick, 10)",
        `import { setTimeout } from "node:timers/promises"`
      ],
      right: ["yield* Effect.sleep(\"10 millis\")", "Effect.repeat(Schedule.spaced(\"1 second\"))"]
    }
  },
  {
    name: "chance",
    banned: /\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b/,
    instead: "the Random service",
    files: everywhere,
    examples: {
      wrong: ["const n = Math.random()", "const id = crypto.randomUUID()"],
      right: ["const n = yield* Random.next", "const id = yield* Random.nextUUIDv4"]
    }
  },
  {
    name: "printing",
    banned: /(?<![\w.])console\.\w+\(|\bglobalThis\.console\b|\bprocess\.std(out|err)\b/,
    instead: "Effect.log, or the Console service",
    files: src,
    except: programs,
    examples: {
      wrong: ["console.log(\"here\")", "globalThis.console.log(\"here\")", "process.stderr.write(\"here\")"],
      right: [
        "yield* Effect.logDebug(\"here\")",
        "yield* Console.log(\"here\")",
        "readonly console: GuestConsole",
        "guest.console.log({ follow: true })"
      ]
    }
  },
  {
    name: "the environment",
    banned: /\bprocess\.(env|argv)\b|\bprocess\.exit\b/,
    instead: "Config, or an error that reaches main",
    files: src,
    except: programs,
    examples: {
      wrong: ["const home = process.env[\"HOME\"]", "process.exit(1)"],
      right: ["const home = yield* Config.String(\"HOME\")", "const pid = process.pid"]
    }
  },
  {
    name: "detached fibers",
    banned: /\bforkDetach\b|\bforkDaemon\b|\brun(Fork|Promise|Sync|Callback)(Exit)?(With)?\(/,
    instead: "Effect.forkScoped or Effect.forkIn, so that a scope owns it",
    files: src,
    // Beside programs: seeded numbers, the scheduler that runs its own fibers from outside, and what hands tests to vitest.
    except: /^src\/((daemon|cli)\/main|internal\/Dice|testing\/(Simulator|Conformance))\.ts$/,
    examples: {
      wrong: ["Effect.forkDetach(loop)", "Effect.runFork(loop)", "loop.pipe(Effect.forkDetach)", "Effect.runSync(x)"],
      right: ["Effect.forkScoped(loop)", "Effect.forkIn(loop, scope)"]
    }
  },
  {
    name: "types that lie",
    banned: /\bas any\b|\bas unknown as\b|\bas never\b|@ts-(ignore|expect-error|nocheck)/,
    instead: "a type that says what is there, or Schema where it is not known",
    files: everywhere,
    inComments: true,
    examples: {
      wrong: ["x as any", "x as unknown as Guest", "// @ts-expect-error", "/* @ts-ignore */"],
      right: ["x as const", "const guest = yield* Schema.decodeUnknownEffect(Guest)(x)"]
    }
  },
  {
    name: "silenced tools",
    banned: /(eslint|oxlint)-disable(?!-next-line [\w/-]+ -- )|dprint-ignore-file/,
    instead: "code that passes, or `oxlint-disable-next-line RULE -- reason`",
    files: everywhere,
    inComments: true,
    examples: {
      wrong: ["/* oxlint-disable */", "// oxlint-disable-next-line", "// eslint-disable-line no-console"],
      right: ["// oxlint-disable-next-line no-console -- standard output is what this program is for"]
    }
  },
  {
    name: "state of a module",
    banned: /^(export )?(let|var) |^(export )?const \w+(: [^=]*)? = (new (Map|Set|WeakMap|WeakSet)(<.*>)?\(\)|\[\]$)/m,
    instead: "a Ref, or state that a scope's owner holds",
    files: everywhere,
    examples: {
      wrong: ["let count = 0", "export const seen = new Set<string>()", "const cache: Map<string, number> = new Map()"],
      right: [
        "const seen = yield* Ref.make(HashSet.empty<string>())",
        "const names = new Set([\"a\"])",
        "  let count = 0"
      ]
    }
  },
  {
    name: "enums and namespaces",
    banned: /^\s*(export )?(declare )?(const )?enum \w|^\s*(export )?namespace \w/m,
    instead: "a union of literals, or a module",
    files: everywhere,
    examples: {
      wrong: ["enum Power { on }", "export const enum Power { on }", "export namespace Power {}"],
      right: ["export const Power = Schema.Literals([\"on\"])", "export * as Power from \"./Power.ts\""]
    }
  },
  {
    name: "default exports",
    banned: /^export default |\bas default\b/m,
    instead: "a name",
    files: everywhere,
    examples: { wrong: ["export default 1", "export { x as default }"], right: ["export const x = 1"] }
  },
  {
    name: "tests that do not run",
    banned: /\b(it|test|describe|layer)(\.\w+)*\.(skip|only|todo|fails|skipIf|runIf)\b|\bx(it|describe)\(/,
    instead: "a test that runs: where a part is missing it fails, and says which",
    files: test,
    examples: {
      wrong: ["it.skip(\"later\")", "it.effect.only(\"this\")", "describe.skipIf(!qemu)", "test.todo(\"x\")"],
      right: ["it.effect(\"boots\")", "chunk.skip(2)"]
    }
  },
  {
    name: "waiting for the clock",
    banned: /\bsetTimeout\(|\bsetInterval\(|"node:timers/,
    instead: "TestClock.adjust, or a wait for the event itself",
    files: /^test\/.*\.test\.ts$/,
    examples: {
      wrong: ["await new Promise((resolve) => setTimeout(resolve, 100))"],
      right: ["yield* TestClock.adjust(\"100 millis\")", "yield* Deferred.await(exited)"]
    }
  },
  {
    name: "unfinished work",
    banned: /\b(TODO|FIXME|XXX|HACK)\b|\b(issue|ticket|milestone) #?\d|\bfor now\b/i,
    instead: "the finished thing; a comment says what is and why",
    files: everywhere,
    inComments: true,
    examples: {
      wrong: ["// TODO: bound this", "// see issue 12", "/** Good enough for now. */"],
      right: ["/** Bounded by the deadline: the peer can hang. */"]
    }
  }
]

/** The longest a file may be. One that is longer holds more than one concept. */
export const linesAtMost = 350

/** The text without its comments, every line where it was. */
export const withoutComments = (text: string): string =>
  text.replace(
    // Strings and templates come first, for a `//` in one of them begins no comment. So do regular expressions after what
    // an expression can follow.
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|(?<=[=(,:[!&|?]\s*)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (found, kept: string | undefined) => kept ?? found.replace(/[^\n]/g, "")
  )

/** The lines where the text breaks the rule. */
export const findings = (rule: Rule, text: string): ReadonlyArray<number> =>
  (rule.inComments === true ? text : withoutComments(text)).split("\n").flatMap((line, index) =>
    rule.banned.test(line) ? [index + 1] : []
  )

/** Services whose key is not `vivarium/` and their name, by which two of them could be taken for each other. */
export const strayKeys = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/class (\w+) extends Context\.(?:Service|Reference)<[\s\S]*?\(\)\(\s*"([^"]*)"/g)].flatMap(
    ([, name, key]) => key === `vivarium/${name}` ? [] : [`${name} has the key ${key}`]
  )
