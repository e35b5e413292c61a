package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/** Sends single messages to a Unix datagram socket, which the JDK cannot. */
public final class DatagramSocket {
    private static final int SOCK_DGRAM = 2;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int FAMILY_BYTES = 2;

    private static final MethodHandle SENDTO = CLibrary.functionWithErrno(
            "sendto",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT));

    private DatagramSocket() {}

    /**
     * Sends one message.
     *
     * @param address a path, or a name in the abstract namespace with {@code @} in front
     * @throws IOException if nobody receives there, or the address is longer than {@link UnixSocket#LONGEST_PATH} bytes
     */
    public static void send(String address, String message) throws IOException {
        String name = "the socket '" + address + "'";
        long number = CLibrary.call("socket", state -> (int)
                SharedCalls.SOCKET.invokeExact(state, SharedCalls.AF_UNIX, SOCK_DGRAM | SharedCalls.SOCK_CLOEXEC, 0));
        try (Descriptor socket = Descriptor.of((int) CLibrary.checked(number, name), name);
                Arena arena = Arena.ofConfined()) {
            MemorySegment path = CLibrary.pathName(arena, address);
            long length = path.byteSize() - 1;
            if (length > UnixSocket.LONGEST_PATH) {
                throw new IOException(name + " has a path of more than " + UnixSocket.LONGEST_PATH + " bytes");
            }
            if (address.startsWith("@")) {
                path.set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
            }
            MemorySegment to = arena.allocate(FAMILY_BYTES + length, Short.BYTES);
            to.set(ValueLayout.JAVA_SHORT, 0, (short) SharedCalls.AF_UNIX);
            MemorySegment.copy(path, 0, to, FAMILY_BYTES, length);
            MemorySegment bytes = arena.allocateFrom(message, StandardCharsets.UTF_8);
            CLibrary.checked(
                    CLibrary.callAgain("sendto", state -> (long) SENDTO.invokeExact(
                            state, socket.number(), bytes, bytes.byteSize() - 1, MSG_NOSIGNAL, to, (int)
                                    to.byteSize())),
                    name);
        }
    }
}
