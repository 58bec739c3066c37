/**
 * How much of a node its instances may take.
 */
import { ByteSize, Effect, Schema, SchemaTransformation } from "effect"

/** A part of what there is in all, written in per cent, such as `5%`. */
const Share = Schema.String.check(
  Schema.isPattern(/^(100|\d{1,2}(\.\d+)?) ?%$/, { expected: "a share of what there is, such as 5%" })
).pipe(
  Schema.decodeTo(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    SchemaTransformation.transform({
      decode: (text: string) => Number(text.replace("%", "")) / 100,
      // Without the digits that are only there because shares are binary.
      encode: (share) => `${(share * 100).toFixed(10).replace(/\.?0+$/, "")}%`
    })
  )
)

/** A size, such as `512 MiB`, or a share of what there is in all, such as `5%`. */
export const Amount = Schema.Union([Share, Schema.ByteSizeFromString])

export type Amount = typeof Amount.Type

/** How many bytes of a total an amount is. */
export const bytesOf = (amount: Amount, totalBytes: number): number =>
  typeof amount === "number" ? amount * totalBytes : Number(amount)

/** How much shall be left: a start that would leave less is refused, and a node that has less is full. */
export const Mark = Schema.Struct({ fullBelow: Amount, refuseBelow: Amount }).check(
  // A share and a size can not be compared before there is a node.
  Schema.makeFilter(({ fullBelow, refuseBelow }) =>
    typeof fullBelow !== typeof refuseBelow || bytesOf(refuseBelow, 1) <= bytesOf(fullBelow, 1) ||
    "refuseBelow must not be above fullBelow: a node counts as full before it refuses"
  )
)

export type Mark = typeof Mark.Type

/**
 * The limits of a node. Each can be switched off with null, but one that is always there: an instance may need five
 * descriptors of the launcher's process, so there are never more than a fifth as many instances as it may have open.
 */
export const Limits = Schema.Struct({
  memory: Schema.NullOr(Mark),
  disk: Schema.NullOr(Mark),
  /** How many vCPUs there may be for each processor. */
  vcpusPerCpu: Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0)))
})

export type Limits = typeof Limits.Type

/** Scales with the machine. */
export const scaled: Limits = {
  memory: { fullBelow: 0.04, refuseBelow: 0.02 },
  disk: { fullBelow: 0.05, refuseBelow: 0.025 },
  vcpusPerCpu: 16
}

/** The marks of the seed system, which it has on every machine. It counts no vCPUs. */
export const seed: Limits = {
  memory: { fullBelow: ByteSize.mebibytes(1_000), refuseBelow: ByteSize.mebibytes(512) },
  disk: { fullBelow: ByteSize.bytes(80_000_000_000), refuseBelow: ByteSize.bytes(40_000_000_000) },
  vcpusPerCpu: null
}

/** Only the limit that is always there. */
export const none: Limits = { memory: null, disk: null, vcpusPerCpu: null }

/** How many descriptors an instance may need. */
export const descriptorsEach = 5

/** The limits of a configuration: `scaled` where nothing is said. */
export const Configured = Limits.pipe(Schema.withConstructorDefault(Effect.succeed(scaled)))
