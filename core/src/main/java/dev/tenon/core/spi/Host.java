package dev.tenon.core.spi;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The caller of the current call, as far as the answer depends on it. Bound to the thread of the call.
 *
 * @param adaptsNames whether its base class adds the format's extension to the name of a new image (API level 16); an older
 *     one refuses the name
 * @param warnings receives what its user should know besides the answer; one sentence each
 * @param printing receives what a Perl plugin prints during the call; in the host's own process it would be the host's
 *     output
 * @param process the process, null if it is this one. Perl plugins are made for processes that come and go, each with its
 *     own copy of the plugin; so whoever hosts one keeps its memory separate for each calling process
 */
public record Host(
        boolean adaptsNames,
        Consumer<String> warnings,
        Printing printing,
        @Nullable Peer process) {
    /** Where lines go that a plugin prints. Called by the thread that reads them, so it must not block. */
    @FunctionalInterface
    public interface Printing {
        /** Ignores all lines. */
        Printing NONE = (stream, line) -> {};

        /** Takes a line, without its newline. */
        void line(Stream stream, String line);
    }

    /** What a process prints to. */
    public enum Stream {
        OUTPUT("stdout"),
        ERROR("stderr");

        private final String word;

        Stream(String word) {
            this.word = word;
        }

        /** Its usual short name. */
        public String word() {
            return word;
        }
    }

    /**
     * Another process.
     *
     * @param pid its number, for people
     * @param connection the number of its connection, which no later process has
     */
    public record Peer(long pid, long connection) {}

    private static final ScopedValue<Host> CALLING = ScopedValue.newInstance();
    private static final Host UNKNOWN = new Host(true, sentence -> {}, null);

    /** One that ignores what plugins print. */
    public Host(boolean adaptsNames, Consumer<String> warnings, @Nullable Peer process) {
        this(adaptsNames, warnings, Printing.NONE, process);
    }

    /** The host of the current call. If none is set: one of the newest level that ignores warnings. */
    public static Host calling() {
        return CALLING.orElse(UNKNOWN);
    }

    /** Makes a call on behalf of this host. */
    public <T extends @Nullable Object> T call(Supplier<T> call) {
        return ScopedValue.where(CALLING, this).call(call::get);
    }

    public void warn(String sentence) {
        warnings.accept(sentence);
    }
}
