"""An XDP program of somebody else, for the interface of a vantage point."""

import ctypes
import os
import socket
import struct

_SYS_BPF = 321  # x86-64
_PROG_LOAD, _OBJ_GET_INFO_BY_FD = 5, 15
_PROG_TYPE_XDP = 6


def attach_xdp_program(interface):
    """Attaches a program that passes every frame in place of what is there; returns its number."""
    libc = ctypes.CDLL(None, use_errno=True)

    def bpf(command, attributes):
        buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
        done = libc.syscall(_SYS_BPF, command, buffer, 128)
        if done < 0:
            raise OSError(ctypes.get_errno(), "bpf")
        return done

    code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xb7, 0, 0, 2) +  # r0 = XDP_PASS
                                       struct.pack("<BBhi", 0x95, 0, 0, 0), 16)  # exit
    licence = ctypes.create_string_buffer(b"GPL")
    program_fd = bpf(_PROG_LOAD, struct.pack("<IIQQ", _PROG_TYPE_XDP, 2, ctypes.addressof(code),
                                             ctypes.addressof(licence)))
    try:
        told = ctypes.create_string_buffer(16)
        bpf(_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", program_fd, 16, ctypes.addressof(told)))
        _, number = struct.unpack_from("<II", told)
        set_xdp(interface, program_fd)
        return number
    finally:
        os.close(program_fd)


def set_xdp(interface, program_fd):
    """RTM_SETLINK with IFLA_XDP, as `ip link set dev X xdp` does."""
    fd = struct.pack("<HHi", 8, 1, program_fd)  # IFLA_XDP_FD
    xdp = struct.pack("<HH", 4 + len(fd), 43 | 0x8000) + fd
    link = struct.pack("<BxHiII", 0, 0, socket.if_nametoindex(interface), 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as asking:
        asking.send(struct.pack("<IHHII", 16 + len(link) + len(xdp), 19, 5, 1, 0) + link + xdp)
        answer = asking.recv(4096)
    failed, = struct.unpack_from("<i", answer, 16)
    if failed:
        raise OSError(-failed, "RTM_SETLINK")
