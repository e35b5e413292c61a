package dev.tenon.bridge.transport;

/** Who is at the other end, as the kernel told when the connection was made (SO_PEERCRED). */
public record PeerCredentials(int pid, int uid) {}
