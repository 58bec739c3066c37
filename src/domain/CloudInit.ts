/**
 * What cloud-init finds in the guest: https://docs.cloud-init.io/en/latest/reference/datasources.html
 */
import { Schema } from "effect"

/**
 * User data and meta data reach the guest byte for byte, on a small read-only disk:
 * - `nocloud`: volume label `cidata`, files `user-data` and `meta-data` (cloud-init's NoCloud).
 * - `config-drive`: volume label `config-2`, files `openstack/latest/user_data` and `openstack/latest/meta_data.json`
 *   (cloud-init's ConfigDrive, version 2).
 *
 * Without meta data the guest gets its id and its name.
 */
export const CloudInit = Schema.Struct({
  dataSource: Schema.Literals(["nocloud", "config-drive"]),
  userData: Schema.optionalKey(Schema.String),
  metaData: Schema.optionalKey(Schema.String)
})

export type CloudInit = typeof CloudInit.Type
