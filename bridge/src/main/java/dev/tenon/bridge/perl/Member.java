package dev.tenon.bridge.perl;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A place in a family, and the process that has it, once there is one. The {@link Family} guards what may change. */
final class Member {
    private final int generation;
    private final CompletableFuture<Void> gone = new CompletableFuture<>();

    // guarded by the family
    private @Nullable PluginProcess process;
    private Family.@Nullable Want busyWith;
    private boolean isEnding;
    private int kept;
    private long since = System.nanoTime();

    Member(int generation, Family.Want busyWith) {
        this.generation = generation;
        this.busyWith = busyWith;
    }

    /** The version of the plugin's file that it has loaded. */
    int generation() {
        return generation;
    }

    /** Completes when the place is free. */
    CompletableFuture<Void> gone() {
        return gone;
    }

    PluginProcess process() {
        PluginProcess current = process;
        if (current == null) {
            throw new IllegalStateException("the member has not been started");
        }
        return current;
    }

    boolean hasProcess() {
        return process != null;
    }

    void started(PluginProcess started) {
        process = started;
    }

    /** The call that it makes, or is started for. */
    Optional<Family.Want> busyWith() {
        return Optional.ofNullable(busyWith);
    }

    boolean isFree() {
        return busyWith == null && !isEnding && process != null && process.isAlive();
    }

    void begin(Family.Want want) {
        busyWith = want;
        since = System.nanoTime();
    }

    void end() {
        busyWith = null;
        since = System.nanoTime();
    }

    /** When what it does now began, be it nothing, by {@link System#nanoTime}. */
    long since() {
        return since;
    }

    boolean isEnding() {
        return isEnding;
    }

    void setEnding() {
        isEnding = true;
    }

    /** Work for later that it holds; it must stay while there is some. */
    int kept() {
        return kept;
    }

    void keep(int more) {
        kept += more;
    }
}
