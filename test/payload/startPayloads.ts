/**
 * START payloads, and what they are made of.
 */

/** A virtual machine that says everything. */
export const vm = `start:
  instance_uuid: d7d86208-b46c-4465-9018-ee14087d415f
  tenant_uuid: 67D86208-000-4465-9018-FE14087D415F
  fw_type: legacy
  vm_type: qemu
  persistence: host
  requirements:
    vcpus: 2
    mem_mb: 370
    node_id: 7e84c2d6
  networking:
    vnic_mac: 02:00:E6:F5:AF:F9
    vnic_uuid: 67d86208-b46c-0000-9018-fe14087d415f
    concentrator_ip: 192.168.42.21
    concentrator_uuid: 67d86208-b46c-4465-0000-fe14087d415f
    subnet: 192.168.8.0/21
    subnet_key: 8
    private_ip: 192.168.8.2
    public_ip: false
  storage:
    - id: 69e84267-ed01-4738-b15f-b47de06b62e7
      boot: true
      boot_index: 0
      ephemeral: false
    - id: DATA-1
      tag: scratch
      size: 10
`

export const userData = `#cloud-config
users:
  - name: demo
    ssh-authorized-keys: [ssh-ed25519 AAAA demo]
runcmd:
  - - ls
    - -l
`

export const metaData = `{
  "uuid": "d7d86208-b46c-4465-9018-ee14087d415f",
  "hostname": "web"
}
`

/** A START document of these fields. */
export const start = (...lines: ReadonlyArray<string>) => ["start:", ...lines.map((line) => `  ${line}`), ""].join("\n")

/** Fields without which there is no virtual machine. */
export const bootable = ["storage:", "- id: root", "  boot: true"] as const

/** The least that a container says. */
export const container = start("instance_uuid: 67e8", "vm_type: docker", "docker_image: debian")
