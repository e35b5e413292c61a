package dev.tenon.core.spi;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Whoever makes the call that is under way, as far as the answer depends on it. Known to the thread of the call.
 *
 * @param adaptsNames whether its base class gives a name for a new image the extension of the format (API level 16); one
 *     before refuses the name
 * @param warnings where what its user should know goes, besides the answer; one sentence each
 * @param process the process, null if it is this one. Perl plugins are made for processes that come and go, each with its
 *     own copy of the plugin; so whoever hosts one keeps what it remembers apart by the process that called
 */
public record Host(
        boolean adaptsNames,
        Consumer<String> warnings,
        @Nullable Peer process) {
    /**
     * Another process.
     *
     * @param pid its number, for people
     * @param connection the number of its connection, which no later process has
     */
    public record Peer(long pid, long connection) {}

    private static final ScopedValue<Host> CALLING = ScopedValue.newInstance();
    private static final Host UNKNOWN = new Host(true, sentence -> {}, null);

    /** The host of this call; one of the newest level that hears no warnings, if nobody has said. */
    public static Host calling() {
        return CALLING.orElse(UNKNOWN);
    }

    /** Makes a call of this host. */
    public <T extends @Nullable Object> T call(Supplier<T> call) {
        return ScopedValue.where(CALLING, this).call(call::get);
    }

    public void warn(String sentence) {
        warnings.accept(sentence);
    }
}
