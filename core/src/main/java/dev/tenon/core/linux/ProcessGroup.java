package dev.tenon.core.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The processes that a process started which leads a group of its own. The group outlives its leader, so it reaches
 * children that have lost their parent.
 */
public final class ProcessGroup {
    private static final int SIGKILL = 9;
    private static final int SIGTERM = 15;

    private static final MethodHandle KILL = CLibrary.functionWithErrno(
            "kill", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private ProcessGroup() {}

    /** Sends SIGTERM to all processes of the group. */
    public static void terminate(long leader) {
        signal(leader, SIGTERM);
    }

    /** Sends SIGKILL to all processes of the group. */
    public static void kill(long leader) {
        signal(leader, SIGKILL);
    }

    private static void signal(long leader, int signal) {
        if (leader <= 1) {
            throw new IllegalArgumentException("no process group is led by " + leader);
        }
        try (Arena arena = Arena.ofConfined()) {
            // An error says that there is no such group, or none of its processes is this user's.
            int ignored = (int) KILL.invokeExact(CLibrary.callState(arena), (int) -leader, signal);
        } catch (Throwable e) {
            throw CLibrary.unexpected("kill", e);
        }
    }
}
