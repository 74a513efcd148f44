//! A disk behind a socket that says it is larger than it is, as counterfeit sticks do (NBD, doc/proto.md, fixed newstyle).

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

const OPTION_MAGIC: &[u8; 8] = b"IHAVEOPT";
const REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const OPTION_EXPORT_NAME: u32 = 1;
const OPTION_GO: u32 = 7;
const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_UNSUPPORTED: u32 = (1 << 31) + 1;
const HAS_FLAGS_AND_FLUSH: u16 = 1 | 1 << 2;

/// Serves a disk of `says` bytes of which only `holds` are: an address behind them means one at the start. It goes on until the
/// process ends.
///
/// # Errors
/// Whatever the system says about the socket.
pub fn serve(socket: &Path, holds: usize, says: u64) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    let bytes = Arc::new(Mutex::new(vec![0; holds]));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bytes = bytes.clone();
            // A client that goes away is not a failure.
            thread::spawn(move || drop(answer(stream, &bytes, says)));
        }
    });
    Ok(())
}

fn answer(mut stream: UnixStream, bytes: &Mutex<Vec<u8>>, says: u64) -> io::Result<()> {
    stream.write_all(b"NBDMAGIC")?;
    stream.write_all(OPTION_MAGIC)?;
    // Fixed newstyle, and no zeros behind the size.
    stream.write_all(&3_u16.to_be_bytes())?;
    let _: [u8; 4] = take(&mut stream)?;
    loop {
        let _: [u8; 8] = take(&mut stream)?;
        let option = u32::from_be_bytes(take(&mut stream)?);
        let mut data = vec![0; u32::from_be_bytes(take(&mut stream)?) as usize];
        stream.read_exact(&mut data)?;
        let mut reply = |kind: u32, data: &[u8]| {
            stream.write_all(&REPLY_MAGIC.to_be_bytes())?;
            stream.write_all(&option.to_be_bytes())?;
            stream.write_all(&kind.to_be_bytes())?;
            stream.write_all(&(data.len() as u32).to_be_bytes())?;
            stream.write_all(data)
        };
        let facts = [&says.to_be_bytes()[..], &HAS_FLAGS_AND_FLUSH.to_be_bytes()].concat();
        match option {
            OPTION_GO => {
                reply(REPLY_INFO, &[&0_u16.to_be_bytes()[..], &facts].concat())?;
                reply(REPLY_ACK, &[])?;
                break;
            }
            OPTION_EXPORT_NAME => {
                stream.write_all(&facts)?;
                break;
            }
            _ => reply(REPLY_UNSUPPORTED, &[])?,
        }
    }
    loop {
        let _: [u8; 6] = take(&mut stream)?;
        let kind = u16::from_be_bytes(take(&mut stream)?);
        let handle: [u8; 8] = take(&mut stream)?;
        let offset = u64::from_be_bytes(take(&mut stream)?);
        let mut data = vec![0; u32::from_be_bytes(take(&mut stream)?) as usize];
        let place = |holds: usize, at: usize| (offset as usize + at) % holds;
        match kind {
            0 => {
                let held = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                data.iter_mut().enumerate().for_each(|(at, byte)| *byte = held[place(held.len(), at)]);
            }
            1 => {
                stream.read_exact(&mut data)?;
                let mut held = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let holds = held.len();
                data.iter().enumerate().for_each(|(at, byte)| held[place(holds, at)] = *byte);
            }
            2 => return Ok(()),
            _ => {}
        }
        stream.write_all(&0x6744_6698_u32.to_be_bytes())?;
        stream.write_all(&0_u32.to_be_bytes())?;
        stream.write_all(&handle)?;
        if kind == 0 {
            stream.write_all(&data)?;
        }
    }
}

fn take<const N: usize>(stream: &mut UnixStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
