package dev.tenon.core.linux;

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

    /** Sends SIGTERM to all processes of the group; false if there is none. */
    public static boolean terminate(long leader) {
        return signal(leader, SIGTERM);
    }

    /** Sends SIGKILL to all processes of the group; false if there is none. */
    public static boolean kill(long leader) {
        return signal(leader, SIGKILL);
    }

    private static boolean signal(long leader, int signal) {
        if (leader <= 1) {
            throw new IllegalArgumentException("no process group is led by " + leader);
        }
        return CLibrary.call("kill", state -> (int) KILL.invokeExact(state, (int) -leader, signal)) == 0;
    }
}
