package dev.tenon.core.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The user whose rights this process has. */
public final class EffectiveUser {
    private static final MethodHandle GETEUID =
            CLibrary.function("geteuid", FunctionDescriptor.of(ValueLayout.JAVA_INT));

    private EffectiveUser() {}

    /** The effective uid, 0 for root. */
    public static long id() {
        try {
            return Integer.toUnsignedLong((int) GETEUID.invokeExact());
        } catch (Throwable e) {
            throw CLibrary.unexpected("geteuid", e);
        }
    }
}
