//! Programs that a BIOS starts: a stand-in for `etfsboot.com` that speaks on the serial port.

/// What the stand-in for `etfsboot.com` says on COM1.
pub const CD_BOOT_MESSAGE: &str = "tsmedia: the BIOS started the CD's boot sector";

/// A boot sector of 2048 bytes that says `message` on COM1 and stops.
pub fn says_on_com1(message: &str) -> Vec<u8> {
    // 16-bit code that runs wherever it is loaded (0000:7C00, 07C0:0000, a segment of the BIOS's choice):
    // the message is found by the return address of a call.
    let mut code: Vec<u8> = vec![
        0xFA, // cli
        0xFC, // cld
        0xE8, 0x00, 0x00, // call here
        0x5E, // here: pop si
        0x83, 0xC6, 0x1E, // add si, message - here
        0x2E, 0xAC, // next: cs lodsb
        0x84, 0xC0, // test al, al
        0x74, 0x11, // jz done
        0x88, 0xC3, // mov bl, al
        0xBA, 0xFD, 0x03, // mov dx, 3FDh (line status)
        0xEC, // wait: in al, dx
        0xA8, 0x20, // test al, 20h (transmitter empty)
        0x74, 0xFB, // jz wait
        0xB2, 0xF8, // mov dl, F8h (data)
        0x88, 0xD8, // mov al, bl
        0xEE, // out dx, al
        0xEB, 0xE9, // jmp next
        0xF4, // done: hlt
        0xEB, 0xFD, // jmp done
    ];
    let here = 5;
    assert_eq!(code.len() - here, 0x1E, "the message begins where the code looks for it");
    code.extend(message.as_bytes());
    code.extend(b"\r\n\0");
    assert!(code.len() <= 510, "the message fits one sector");
    code.resize(510, 0);
    code.extend([0x55, 0xAA]);
    code.resize(2048, 0);
    code
}
