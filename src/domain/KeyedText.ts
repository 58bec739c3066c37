/**
 * Texts by a key that users choose: labels, and the variables of an environment.
 */
import { Schema } from "effect"

/**
 * A `=` ends the key where it is written as `KEY=VALUE`. The others would be escaped in JSON, and V8 misreads a key that is one
 * escaped character once it has read an object whose key at that place was a backslash.
 */
// oxlint-disable-next-line no-control-regex -- these are what is refused
const pattern = /^[^\u0000-\u001f\u007f-\u009f\ud800-\udfff="\\]+$/u

const Key = Schema.String.check(
  Schema.isPattern(pattern, {
    expected: "a key of one or more characters, with no =, quotation mark, backslash or control character"
  })
)

/** A record leaves out what the schema of its keys refuses. This one refuses none, and only says what keys are like. */
const AnyKey = Schema.String.check(
  Schema.makeFilter(() => true, {
    arbitraryConstraint: { patterns: [pattern] },
    toJsonSchema: () => ({ pattern: pattern.source })
  })
)

/** Texts by their keys. */
export const keyedText = (text: Schema.Codec<string>) => Schema.Record(AnyKey, text).check(Schema.isPropertyNames(Key))
