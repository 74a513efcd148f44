//! The calls into Windows: the only file here with `unsafe`, because a C function is told by pointers where to read and write,
//! and nothing but its documentation says that it keeps to them. Each function here is safe to call with anything.
//!
//! What Windows asks of its callers is the same throughout (Microsoft, "Windows API"): a text ends with a 0, a buffer is passed
//! with its length and is not kept after the call, a handle is closed once and by the function that belongs to it. Files are
//! opened and closed by the standard library.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::mem::size_of;
use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::Devices::DeviceAndDriverInstallation::{
    CM_DRP_LOCATION_PATHS, CM_Get_DevNode_Registry_PropertyW, CM_Get_Device_IDW, CM_Get_Parent, CR_SUCCESS,
    DIGCF_DEVICEINTERFACE, DIGCF_PRESENT, HDEVINFO, MAX_DEVICE_ID_LEN, SP_DEVICE_INTERFACE_DATA,
    SP_DEVICE_INTERFACE_DETAIL_DATA_W, SP_DEVINFO_DATA, SetupDiDestroyDeviceInfoList,
    SetupDiEnumDeviceInterfaces, SetupDiGetClassDevsW, SetupDiGetDeviceInterfaceDetailW,
};
use windows_sys::Win32::Foundation::{
    ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_FILES, ERROR_NO_MORE_ITEMS, ERROR_SUCCESS,
    HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FindFirstVolumeW, FindNextVolumeW, FindVolumeClose, GetVolumePathNamesForVolumeNameW, QueryDosDeviceW,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::GUID_DEVINTERFACE_DISK;
use windows_sys::Win32::System::ProcessStatus::{ENUM_PAGE_FILE_INFORMATION, K32EnumPageFilesW};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};
use windows_sys::Win32::System::SystemInformation::GetSystemWindowsDirectoryW;
use windows_sys::core::BOOL;

use crate::DevicesError;

/// No answer of a driver, and no list of names, is longer than this.
const LIMIT: usize = 1 << 20;
/// Letters in a path or a list of some, at first.
const ROOM: usize = 1024;
/// Letters in the longest path there is.
const PATH_LIMIT: usize = 32 * 1024;

/// A device that offers the disk interface.
pub(super) struct Interface {
    /// Where it is opened.
    pub(super) path: String,
    /// Its node in the tree of devices.
    pub(super) node: u32,
}

/// A list of devices, which is let go when it is dropped.
struct DeviceList(HDEVINFO);

impl Drop for DeviceList {
    fn drop(&mut self) {
        // SAFETY: the list was made by SetupDiGetClassDevsW, and is let go here alone.
        unsafe { SetupDiDestroyDeviceInfoList(self.0) };
    }
}

/// The devices that offer the disk interface now.
pub(super) fn disk_interfaces() -> Result<Vec<Interface>, DevicesError> {
    // SAFETY: the interface's number is a constant; no enumerator and no window are named, which is allowed.
    let list = unsafe {
        SetupDiGetClassDevsW(
            &GUID_DEVINTERFACE_DISK,
            ptr::null(),
            ptr::null_mut(),
            DIGCF_PRESENT | DIGCF_DEVICEINTERFACE,
        )
    };
    // `INVALID_HANDLE_VALUE`
    if list == -1 {
        return Err(failed("SetupDiGetClassDevs"));
    }
    let list = DeviceList(list);
    let mut found = Vec::new();
    for index in 0.. {
        let mut data =
            SP_DEVICE_INTERFACE_DATA { cbSize: size::<SP_DEVICE_INTERFACE_DATA>(), ..Default::default() };
        // SAFETY: the list is there; `data` has its size in it, and is written to until the call returns.
        let more = unsafe {
            SetupDiEnumDeviceInterfaces(list.0, ptr::null(), &GUID_DEVINTERFACE_DISK, index, &raw mut data)
        };
        match more {
            0 if is_error(&io::Error::last_os_error(), ERROR_NO_MORE_ITEMS) => break,
            0 => return Err(failed("SetupDiEnumDeviceInterfaces")),
            // One that is gone since it was listed is no disk any more.
            _ => found.extend(interface(&list, &data)),
        }
    }
    Ok(found)
}

fn interface(list: &DeviceList, data: &SP_DEVICE_INTERFACE_DATA) -> Option<Interface> {
    /// The path begins after the size.
    const PATH_AT: usize = size_of::<u32>();
    let mut len = 0;
    // SAFETY: with no buffer, of length 0, only the length that is needed is written.
    unsafe {
        SetupDiGetDeviceInterfaceDetailW(list.0, data, ptr::null_mut(), 0, &raw mut len, ptr::null_mut());
    }
    let bytes = usize::try_from(len).ok().filter(|len| (PATH_AT..LIMIT).contains(len))?;
    // Of whole 32-bit numbers, so that it lies as the structure has to, and long enough for the structure itself.
    let mut detail = vec![0_u32; bytes.max(size_of::<SP_DEVICE_INTERFACE_DETAIL_DATA_W>()).div_ceil(4)];
    *detail.first_mut()? = size::<SP_DEVICE_INTERFACE_DETAIL_DATA_W>();
    let mut device = SP_DEVINFO_DATA { cbSize: size::<SP_DEVINFO_DATA>(), ..Default::default() };
    // SAFETY: `detail` has at least `len` bytes and begins with the size of the structure, as the function wants it; `device` has
    // its size in it. Both live until the call returns.
    let done = unsafe {
        SetupDiGetDeviceInterfaceDetailW(
            list.0,
            data,
            detail.as_mut_ptr().cast(),
            len,
            ptr::null_mut(),
            &raw mut device,
        )
    };
    if done == 0 {
        return None;
    }
    let letters = detail.iter().skip(1).flat_map(|pair| {
        let [a, b, c, d] = pair.to_le_bytes();
        [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
    });
    Some(Interface { path: text(&letters.collect::<Vec<_>>()), node: device.DevInst })
}

/// What a device hangs on; the root of the tree on nothing.
pub(super) fn parent(node: u32) -> Option<u32> {
    let mut parent = 0;
    // SAFETY: the number is written to until the call returns; a node that is none is an error.
    (unsafe { CM_Get_Parent(&raw mut parent, node, 0) } == CR_SUCCESS).then_some(parent)
}

/// The instance of a device: `USB\VID_0781&PID_5581\4C530001230415117203`.
pub(super) fn instance(node: u32) -> Option<String> {
    let mut letters = vec![0_u16; usize::try_from(MAX_DEVICE_ID_LEN).ok()? + 1];
    let len = count(&letters);
    // SAFETY: at most `len` letters are written; a node that is none is an error.
    let done = unsafe { CM_Get_Device_IDW(node, letters.as_mut_ptr(), len, 0) };
    (done == CR_SUCCESS).then(|| text(&letters))
}

/// The first of a device's location paths.
pub(super) fn location(node: u32) -> Option<String> {
    let mut letters = vec![0_u16; ROOM];
    let mut bytes = count(&letters) * 2;
    // SAFETY: at most `bytes` bytes are written, which is the length of the buffer; the kind of the value is not asked for.
    let done = unsafe {
        CM_Get_DevNode_Registry_PropertyW(
            node,
            CM_DRP_LOCATION_PATHS,
            ptr::null_mut(),
            letters.as_mut_ptr().cast(),
            &raw mut bytes,
            0,
        )
    };
    (done == CR_SUCCESS).then(|| text(&letters)).filter(|location| !location.is_empty())
}

/// Asks the driver of an open device something, with `room` bytes for the answer at first.
pub(super) fn control(device: &File, code: u32, input: &[u8], room: usize) -> io::Result<Vec<u8>> {
    let mut answer = vec![0_u8; room];
    loop {
        let mut len = 0;
        // SAFETY: the handle is open while `device` lives. As many bytes are read from `input` and written to `answer` as each
        // has, and none after the call, which waits because the device is not opened for overlapped work.
        let done = unsafe {
            DeviceIoControl(
                device.as_raw_handle(),
                code,
                input.as_ptr().cast(),
                count(input),
                answer.as_mut_ptr().cast(),
                count(&answer),
                &raw mut len,
                ptr::null_mut(),
            )
        };
        if done != 0 {
            answer.truncate(usize::try_from(len).unwrap_or(0));
            return Ok(answer);
        }
        let error = io::Error::last_os_error();
        let is_short = is_error(&error, ERROR_MORE_DATA) || is_error(&error, ERROR_INSUFFICIENT_BUFFER);
        if !is_short || answer.is_empty() || answer.len() >= LIMIT {
            return Err(error);
        }
        answer = vec![0; answer.len() * 2];
    }
}

/// A search for volumes, which ends when it is dropped.
struct VolumeSearch(HANDLE);

impl Drop for VolumeSearch {
    fn drop(&mut self) {
        // SAFETY: the search was begun by FindFirstVolumeW, and ends here alone.
        unsafe { FindVolumeClose(self.0) };
    }
}

/// The names of all volumes: `\\?\Volume{…}\`.
pub(super) fn volumes() -> Result<Vec<String>, DevicesError> {
    let mut letters = [0_u16; ROOM];
    // SAFETY: at most as many letters are written as the buffer has.
    let search = unsafe { FindFirstVolumeW(letters.as_mut_ptr(), count(&letters)) };
    if search == INVALID_HANDLE_VALUE {
        let error = io::Error::last_os_error();
        return match is_error(&error, ERROR_NO_MORE_FILES) {
            true => Ok(Vec::new()),
            false => Err(DevicesError::Call { function: "FindFirstVolume", error }),
        };
    }
    let search = VolumeSearch(search);
    let mut names = vec![text(&letters)];
    // SAFETY: the search is open; at most as many letters are written as the buffer has.
    while unsafe { FindNextVolumeW(search.0, letters.as_mut_ptr(), count(&letters)) } != 0 {
        names.push(text(&letters));
    }
    match io::Error::last_os_error() {
        error if is_error(&error, ERROR_NO_MORE_FILES) => Ok(names),
        error => Err(DevicesError::Call { function: "FindNextVolume", error }),
    }
}

/// The letters and folders at which a volume is mounted.
pub(super) fn mounted_at(volume: &str) -> io::Result<Vec<String>> {
    let volume = ended(volume);
    let mut letters = vec![0_u16; ROOM];
    loop {
        let mut len = 0;
        // SAFETY: the name ends with a 0; at most as many letters are written as the buffer has.
        let done = unsafe {
            GetVolumePathNamesForVolumeNameW(
                volume.as_ptr(),
                letters.as_mut_ptr(),
                count(&letters),
                &raw mut len,
            )
        };
        if done != 0 {
            return Ok(texts(&letters));
        }
        let error = io::Error::last_os_error();
        if !is_error(&error, ERROR_MORE_DATA) || letters.len() >= LIMIT {
            return Err(error);
        }
        letters = vec![0; letters.len() * 2];
    }
}

/// What the kernel calls a device: `\Device\HarddiskVolume3` for `Volume{…}`.
pub(super) fn kernel_name(device: &str) -> Option<String> {
    let device = ended(device);
    let mut letters = [0_u16; ROOM];
    // SAFETY: the name ends with a 0; at most as many letters are written as the buffer has.
    let len = unsafe { QueryDosDeviceW(device.as_ptr(), letters.as_mut_ptr(), count(&letters)) };
    (len > 0).then(|| text(&letters))
}

/// The folder Windows runs from, whoever asks.
pub(super) fn windows_folder() -> Option<String> {
    let mut letters = [0_u16; ROOM];
    // SAFETY: at most as many letters are written as the buffer has.
    let len = unsafe { GetSystemWindowsDirectoryW(letters.as_mut_ptr(), count(&letters)) };
    (1..count(&letters)).contains(&len).then(|| text(&letters))
}

/// A text of the machine's registry.
pub(super) fn machine_text(key: &str, value: &str) -> Option<String> {
    let (key, value) = (ended(key), ended(value));
    let mut letters = [0_u16; ROOM];
    let mut bytes = count(&letters) * 2;
    // SAFETY: both names end with a 0; at most `bytes` bytes are written, which is the length of the buffer; the kind of the
    // value is not asked for.
    let done = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_SZ,
            ptr::null_mut(),
            letters.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    (done == ERROR_SUCCESS).then(|| text(&letters))
}

/// The files that memory is swapped out to.
pub(super) fn page_files() -> io::Result<Vec<String>> {
    let mut files: Vec<String> = Vec::new();
    // SAFETY: the function calls `page_file` with this pointer before it returns and not after it; the vector lives longer, and
    // is not used meanwhile.
    let done = unsafe { K32EnumPageFilesW(Some(page_file), (&raw mut files).cast()) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(files) }
}

/// Is told of a page file: `EnumPageFilesProc`.
unsafe extern "system" fn page_file(
    context: *mut c_void,
    _: *mut ENUM_PAGE_FILE_INFORMATION,
    name: *const u16,
) -> BOOL {
    if name.is_null() {
        return 1;
    }
    let mut letters = Vec::new();
    for index in 0..PATH_LIMIT {
        // SAFETY: the name ends with a 0, and nothing behind that is read.
        match unsafe { name.add(index).read() } {
            0 => break,
            letter => letters.push(letter),
        }
    }
    // SAFETY: `page_files` passes its vector, and uses it again only when all calls are done.
    if let Some(files) = unsafe { context.cast::<Vec<String>>().as_mut() } {
        files.push(text(&letters));
    }
    1
}

/// Whether Windows says this.
pub(super) fn is_error(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().and_then(|raw| u32::try_from(raw).ok()) == Some(code)
}

fn failed(function: &'static str) -> DevicesError {
    DevicesError::Call { function, error: io::Error::last_os_error() }
}

/// The size of a structure, which it says itself.
fn size<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(0)
}

/// How many a buffer has. Of one with more than can be said, less is used.
fn count<T>(buffer: &[T]) -> u32 {
    u32::try_from(buffer.len()).unwrap_or(u32::MAX)
}

/// A text with its end.
fn ended(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// The text up to its end.
fn text(letters: &[u16]) -> String {
    let len = letters.iter().position(|letter| *letter == 0).unwrap_or(letters.len());
    String::from_utf16_lossy(letters.get(..len).unwrap_or_default())
}

/// Texts one after the other, each with its end, up to an empty one.
fn texts(letters: &[u16]) -> Vec<String> {
    letters.split(|letter| *letter == 0).take_while(|text| !text.is_empty()).map(text).collect()
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
