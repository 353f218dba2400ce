//! Messages with descriptors (SCM_RIGHTS) on an AF_UNIX socket, for code that may not import `socket`.

use std::io::{Error, Result};
use std::mem::size_of;

/// Descriptors in one message.
pub const FDS_MAX: usize = 32;

/// Space for FDS_MAX descriptors and their header, aligned as `cmsghdr`.
#[repr(C, align(8))]
struct Control([u8; 256]);

fn header(iov: &mut libc::iovec, control: &mut Control, control_bytes: usize) -> libc::msghdr {
    // SAFETY: all zeroes is a valid msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = iov;
    message.msg_iovlen = 1;
    if control_bytes > 0 {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control_bytes as _;
    }
    message
}

fn rights_bytes(count: usize) -> u32 {
    u32::try_from(count.min(FDS_MAX) * size_of::<i32>()).unwrap_or(0)
}

/// Sends one message; on a SOCK_SEQPACKET socket all of it or nothing.
///
/// # Errors
/// That of sendmsg(2); EINVAL for more than [`FDS_MAX`] descriptors.
pub fn send(socket: i32, data: &[u8], fds: &[i32]) -> Result<usize> {
    if fds.len() > FDS_MAX {
        return Err(Error::from_raw_os_error(libc::EINVAL));
    }
    let mut iov = libc::iovec {
        iov_base: data.as_ptr().cast_mut().cast(),
        iov_len: data.len(),
    };
    let mut control = Control([0; 256]);
    let payload = rights_bytes(fds.len());
    // SAFETY: CMSG_SPACE is arithmetic; 32 descriptors take 144 bytes.
    let space = if fds.is_empty() {
        0
    } else {
        unsafe { libc::CMSG_SPACE(payload) as usize }
    };
    let message = header(&mut iov, &mut control, space);
    if !fds.is_empty() {
        // SAFETY: `message` has room for one header with `payload` bytes, as computed above.
        unsafe {
            let rights = libc::CMSG_FIRSTHDR(&message);
            (*rights).cmsg_level = libc::SOL_SOCKET;
            (*rights).cmsg_type = libc::SCM_RIGHTS;
            (*rights).cmsg_len = libc::CMSG_LEN(payload) as _;
            std::ptr::copy_nonoverlapping(
                fds.as_ptr().cast(),
                libc::CMSG_DATA(rights),
                payload as usize,
            );
        }
    }
    loop {
        // SAFETY: everything `message` points to is alive.
        let sent = unsafe { libc::sendmsg(socket, &message, libc::MSG_NOSIGNAL) };
        if let Ok(sent) = usize::try_from(sent) {
            return Ok(sent);
        }
        let error = Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Receives one message and its descriptors, all close-on-exec; nothing and none at the end.
///
/// # Errors
/// That of recvmsg(2); EMSGSIZE when data or descriptors did not fit: what came is then closed.
pub fn receive(socket: i32, max_bytes: usize, max_fds: usize) -> Result<(Vec<u8>, Vec<i32>)> {
    if max_fds > FDS_MAX {
        return Err(Error::from_raw_os_error(libc::EINVAL));
    }
    let mut data = vec![0_u8; max_bytes];
    let mut iov = libc::iovec {
        iov_base: data.as_mut_ptr().cast(),
        iov_len: data.len(),
    };
    let mut control = Control([0; 256]);
    // SAFETY: arithmetic.
    let space = unsafe { libc::CMSG_SPACE(rights_bytes(max_fds)) as usize };
    let mut message = header(&mut iov, &mut control, space);
    let received = loop {
        // SAFETY: everything `message` points to is alive and writable.
        let received = unsafe { libc::recvmsg(socket, &mut message, libc::MSG_CMSG_CLOEXEC) };
        if let Ok(received) = usize::try_from(received) {
            break received;
        }
        let error = Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    };
    let fds = received_fds(&message);
    if message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0 {
        for fd in fds {
            // SAFETY: the kernel has just given it to us.
            unsafe { libc::close(fd) };
        }
        return Err(Error::from_raw_os_error(libc::EMSGSIZE));
    }
    data.truncate(received);
    Ok((data, fds))
}

fn received_fds(message: &libc::msghdr) -> Vec<i32> {
    let mut fds = Vec::new();
    // SAFETY: the kernel filled the control buffer; the macros stay inside msg_controllen.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(message);
        while !at.is_null() {
            if (*at).cmsg_level == libc::SOL_SOCKET && (*at).cmsg_type == libc::SCM_RIGHTS {
                let bytes = (*at).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                for i in 0..bytes / size_of::<i32>() {
                    fds.push(std::ptr::read_unaligned(
                        libc::CMSG_DATA(at).cast::<i32>().add(i),
                    ));
                }
            }
            at = libc::CMSG_NXTHDR(message, at);
        }
    }
    fds
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::os::unix::net::UnixStream;

    #[test]
    fn descriptors_arrive_and_work_when_sent() {
        let (left, right) = UnixStream::pair().expect("socketpair");
        let (mut inner, passed) = UnixStream::pair().expect("socketpair");

        send(left.as_raw_fd(), b"hello", &[passed.as_raw_fd()]).expect("sent");
        let (data, fds) = receive(right.as_raw_fd(), 100, 4).expect("received");

        assert_eq!(data, b"hello");
        assert_eq!(fds.len(), 1);
        inner.write_all(b"x").expect("written");
        // SAFETY: received above and owned by nobody else.
        let mut other = unsafe { UnixStream::from_raw_fd(fds[0]) };
        let mut byte = [0];
        other.read_exact(&mut byte).expect("read");
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn too_many_descriptors_are_refused_and_closed() {
        let (left, right) = UnixStream::pair().expect("socketpair");
        let fd = left.as_raw_fd();

        send(fd, b"x", &[fd; 8]).expect("sent");

        let error = receive(right.as_raw_fd(), 100, 1).expect_err("refused");
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    }

    #[test]
    fn end_is_empty_when_the_peer_is_gone() {
        let (left, right) = UnixStream::pair().expect("socketpair");
        drop(left);

        let (data, fds) = receive(right.as_raw_fd(), 100, 1).expect("received");

        assert!(data.is_empty() && fds.is_empty());
    }
}
