package dev.tenon.bridge.perl;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A place in a family, and the process that has it, once there is one. The {@link Family} guards what may change. */
final class Member {
    private final CompletableFuture<Void> gone = new CompletableFuture<>();

    // guarded by the family
    private @Nullable PluginProcess process;
    private Family.@Nullable Want busyWith;
    private boolean isEnding;
    private boolean isStuck;
    private long rested;
    private int kept;
    private long since = System.nanoTime();

    Member(Family.Want busyWith) {
        this.busyWith = busyWith;
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
        long now = System.nanoTime();
        rested = busyWith == null ? now - since : 0;
        busyWith = want;
        since = now;
    }

    /** One that is stuck in its call is busy with it until its process has gone. */
    void end() {
        if (!isStuck) {
            busyWith = null;
            since = System.nanoTime();
        }
    }

    /** For how long it had nothing to do before its call, in nanoseconds. */
    long rested() {
        return rested;
    }

    /** When what it does now began, or when it became idle, by {@link System#nanoTime}. */
    long since() {
        return since;
    }

    boolean isEnding() {
        return isEnding;
    }

    void setEnding() {
        isEnding = true;
    }

    /** Its process is being ended since it does not answer, which may take long if the kernel does not let it go. */
    boolean isStuck() {
        return isStuck;
    }

    void setStuck() {
        isEnding = true;
        isStuck = true;
    }

    /** Work for later that it holds; it must stay while there is some. */
    int kept() {
        return kept;
    }

    void keep(int more) {
        kept += more;
    }
}
