/**
 * A guest of 512 bytes, which is there a tenth of a second after its launch: where no operating system is needed, nothing is
 * faster. It powers off when its power button is pressed, lets go of what is unplugged, says that it is ready on its console, and
 * takes orders there.
 *
 * It finds the hardware where QEMU's `q35` and its firmware put it: the console at I/O port 0x3f8, ACPI's status, enable and
 * control registers at 0x600, 0x602 and 0x604, its hot-plug registers at 0xcc4 (what is to go), 0xcc8 (what has gone) and 0xcd0
 * (of which bus), `pvpanic` at 0x505, and the reset at 0xcf9. The firmware hands it what is typed (interrupt 0x16), and wakes
 * it eighteen times a second.
 */

/** What it writes to its console when it is there. */
export const ready = "boot sector ready"

/** What it does when one of these is typed at its console. */
export const orders = { powerOff: "o", panic: "p", reboot: "r" } as const

/** Its instructions: their bytes, and what they say, in real mode. */
const instructions: ReadonlyArray<readonly [bytes: string, source: string]> = [
  ["fa", "start: cli"],
  ["31c0", "xor ax, ax"],
  ["8ed8", "mov ds, ax"],
  ["8ed0", "mov ss, ax"],
  ["bc007c", "mov sp, 0x7c00"],
  ["803efd7d00", "cmp byte [0x7dfd], 0"],
  ["7507", "jne greet"],
  ["ba0206", "mov dx, 0x602"],
  ["b80001", "mov ax, 0x0100"],
  ["ef", "out dx, ax"],
  ["be867c", "greet: mov si, 0x7c00 + (text - start)"],
  ["baf803", "mov dx, 0x3f8"],
  ["ac", "print: lodsb"],
  ["ee", "out dx, al"],
  ["84c0", "test al, al"],
  ["75fa", "jnz print"],
  ["fb", "sti"],
  ["f4", "wait: hlt"],
  ["ba0006", "mov dx, 0x600"],
  ["ed", "in ax, dx"],
  ["89c3", "mov bx, ax"],
  ["ba0206", "mov dx, 0x602"],
  ["ed", "in ax, dx"],
  ["84fc", "test ah, bh"],
  ["7539", "jnz off"],
  ["b401", "mov ah, 1"],
  ["cd16", "int 0x16"],
  ["7410", "jz unplug"],
  ["30e4", "xor ah, ah"],
  ["cd16", "int 0x16"],
  ["3c6f", "cmp al, 'o'"],
  ["742b", "je off"],
  ["3c70", "cmp al, 'p'"],
  ["7430", "je panic"],
  ["3c72", "cmp al, 'r'"],
  ["7434", "je reboot"],
  ["66b91f000000", "unplug: mov ecx, 31"],
  ["bad00c", "bus: mov dx, 0xcd0"],
  ["6689c8", "mov eax, ecx"],
  ["66ef", "out dx, eax"],
  ["bac40c", "mov dx, 0xcc4"],
  ["66ed", "in eax, dx"],
  ["6685c0", "test eax, eax"],
  ["7405", "jz next"],
  ["bac80c", "mov dx, 0xcc8"],
  ["66ef", "out dx, eax"],
  ["6649", "next: dec ecx"],
  ["79e5", "jns bus"],
  ["ebb8", "jmp wait"],
  ["ba0406", "off: mov dx, 0x604"],
  ["b80020", "mov ax, 0x2000"],
  ["ef", "out dx, ax"],
  ["ebaf", "jmp wait"],
  ["ba0505", "panic: mov dx, 0x505"],
  ["b001", "mov al, 1"],
  ["ee", "out dx, al"],
  ["eba7", "jmp wait"],
  ["baf90c", "reboot: mov dx, 0xcf9"],
  ["b006", "mov al, 6"],
  ["ee", "out dx, al"],
  ["eb9f", "jmp wait"]
]

/** Where a byte says that it does not look at its power button. */
const deafOffset = 0x1fd

/** A raw disk that boots it, of one MiB. A deaf one does not look at its power button. */
export const disk = ({ deaf }: { readonly deaf: boolean }): Uint8Array => {
  const bytes = new Uint8Array(1024 * 1024)
  const program = Buffer.from(instructions.map(([code]) => code).join(""), "hex")
  bytes.set(program)
  bytes.set(Buffer.from(`${ready}\r\n\0`), program.length)
  bytes[deafOffset] = deaf ? 1 : 0
  // By which the firmware knows that it can be booted.
  bytes.set([0x55, 0xaa], 0x1fe)
  return bytes
}
