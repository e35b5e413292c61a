package dev.tenon.bridge.perl;

import dev.tenon.bridge.session.Session;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Outcome;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes of one plugin, as PVE's own workers are: each has its own copy of the plugin and makes one call at a time.
 * A call gets the member that its caller had before, else one that is free, else a new one, up to a bound; then it waits
 * in line. Long calls leave two members to short ones, and one storage leaves one to the others.
 */
final class Family implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Family.class);

    /** What short calls have for themselves, and what storages have that do not hang. */
    private static final int LEFT_BY_LONG_CALLS = 2;

    private static final int LEFT_BY_ONE_STORAGE = 1;

    /** With fewer members than these nothing can be left to others. */
    private static final int FEWEST_TO_SHARE = 4;

    /**
     * A call that needs a member.
     *
     * @param what the call in words
     * @param isLong whether it may last
     * @param storage whose call it is, null for one of the type
     * @param caller for whom it is made, null if it is for this process
     * @param operation the calls that share a cache, null if it has none
     */
    record Want(
            String what,
            boolean isLong,
            @Nullable String storage,
            @Nullable String caller,
            @Nullable String operation) {}

    private static final class Waiter {
        private final Want want;
        private final CompletableFuture<Member> granted = new CompletableFuture<>();

        Waiter(Want want) {
            this.want = want;
        }
    }

    private final Ancestry ancestry;
    private final SidecarSettings settings;
    private final int most;

    // guarded by this
    private final List<Member> members = new ArrayList<>();
    private final Deque<Waiter> line = new ArrayDeque<>();
    private final Memory callers = new Memory(512);
    private final Memory operations = new Memory(1024);
    private int generation;
    private boolean isClosed;
    private boolean isLookingForIdle;

    /** Makes one without members. */
    Family(Ancestry ancestry, SidecarSettings settings) {
        this.ancestry = ancestry;
        this.settings = settings;
        this.most = settings.members();
    }

    // ---- taking a member

    /**
     * Takes a member for a call; it is to be given back.
     *
     * @param patience how long to wait for one
     * @throws StorageException {@code NOT_STARTED} in any case: {@code PLUGIN_BUSY} if none was free in time,
     *     {@code CANCELLED} if this thread is interrupted, {@code SIDECAR_FAILED} if a process cannot be started
     */
    Member take(Want want, Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        Waiter waiter = null;
        Member granted;
        synchronized (this) {
            if (isClosed) {
                throw Failures.of(
                        ErrorCode.SIDECAR_FAILED, Outcome.NOT_STARTED, want.what(), "the plugin has been closed");
            }
            granted = grant(want);
            if (granted == null) {
                waiter = new Waiter(want);
                line.add(waiter);
            }
        }
        Member member = granted != null ? granted : await(waiter, patience);
        if (member.hasProcess()) {
            return member;
        }
        try {
            start(member, want, deadline);
            return member;
        } catch (RuntimeException | Error e) {
            remove(member);
            throw e;
        }
    }

    private void start(Member member, Want want, long deadline) {
        PluginProcess process = ancestry.child(want.what(), deadline);
        synchronized (this) {
            member.started(process);
        }
        var _ = process.ended().thenRun(() -> remove(member));
    }

    private Member await(@Nullable Waiter waiter, Duration patience) {
        if (waiter == null) {
            throw new IllegalStateException("nobody waits");
        }
        String what = waiter.want.what();
        try {
            return waiter.granted.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return cameAtLast(waiter)
                    .orElseThrow(() -> Failures.of(
                            ErrorCode.PLUGIN_BUSY,
                            Outcome.NOT_STARTED,
                            what,
                            "waited " + Failures.seconds(patience) + " for the plugin, which is busy with "
                                    + occupation()));
        } catch (InterruptedException e) {
            cameAtLast(waiter).ifPresent(this::giveBackUnused);
            Thread.currentThread().interrupt();
            throw Failures.of(
                    ErrorCode.CANCELLED, Outcome.NOT_STARTED, what, "was cancelled while it waited for the plugin");
        } catch (ExecutionException e) {
            throw Failures.of(ErrorCode.SIDECAR_FAILED, Outcome.NOT_STARTED, what, "the plugin has been closed");
        }
    }

    private synchronized Optional<Member> cameAtLast(Waiter waiter) {
        line.remove(waiter);
        return waiter.granted.isDone() && !waiter.granted.isCompletedExceptionally()
                ? Optional.of(waiter.granted.join())
                : Optional.empty();
    }

    /** A member that is free, or a place for a new one, or null. */
    private @Nullable Member grant(Want want) {
        if (!mayGo(want)) {
            return null;
        }
        Member member = Optional.ofNullable(preferred(want))
                .or(() -> members.stream().filter(this::isToBeHad).max(Comparator.comparingLong(Member::since)))
                .orElse(null);
        if (member == null && members.stream().filter(this::needsPlace).count() < most) {
            member = new Member(generation, want);
            members.add(member);
        }
        if (member != null) {
            member.begin(want);
        }
        return member;
    }

    /** Of an old version, and not held by work that was left in it. A plugin that stays alone has no place beside it. */
    private boolean isOutdated(Member member) {
        return member.generation() != generation && (member.kept() == 0 || most == 1);
    }

    /** One of an old version that only keeps its work needs none. */
    private boolean needsPlace(Member member) {
        return member.generation() == generation || !member.isFree() || isOutdated(member);
    }

    private boolean isToBeHad(Member member) {
        return member.isFree() && member.generation() == generation;
    }

    private @Nullable Member preferred(Want want) {
        Member before = callers.of(want.caller());
        if (before == null || !isToBeHad(before)) {
            before = operations.of(want.operation());
        }
        return before != null && isToBeHad(before) ? before : null;
    }

    /** Whether enough is left to others. */
    private boolean mayGo(Want want) {
        if (want.isLong()) {
            long others = members.stream()
                    .filter(member -> member.busyWith().filter(Want::isLong).isPresent())
                    .count();
            int left = LEFT_BY_LONG_CALLS + (most < FEWEST_TO_SHARE ? 0 : LEFT_BY_ONE_STORAGE);
            if (others >= Math.max(1, most - left)) {
                return false;
            }
        }
        String storage = want.storage();
        if (storage == null || most < FEWEST_TO_SHARE) {
            return true;
        }
        long others = members.stream()
                .filter(member -> member.busyWith()
                        .filter(other -> storage.equals(other.storage()))
                        .isPresent())
                .count();
        return others < most - LEFT_BY_ONE_STORAGE;
    }

    /** The names by which a plugin finds again what it kept, in this member, for the caller and for the operation. */
    record Names(@Nullable String caller, @Nullable String operation) {}

    /** Notes that a call is made in this member. What was kept in another one is not found again: it may be old by now. */
    synchronized Names names(Member member, @Nullable String caller, @Nullable String operation) {
        return new Names(callers.note(caller, member), operations.note(operation, member));
    }

    /** What was granted may be a place in which nobody has started a process. */
    private void giveBackUnused(Member member) {
        if (member.hasProcess()) {
            giveBack(member);
        } else {
            remove(member);
        }
    }

    /** A member whose call is over can make the next. */
    void giveBack(Member member) {
        boolean ends;
        synchronized (this) {
            member.end();
            ends = isClosed || isOutdated(member);
            if (ends) {
                member.setEnding();
            }
            serveLine();
            lookForIdleLater();
        }
        if (ends) {
            endGently(member);
        }
    }

    private void serveLine() {
        for (Iterator<Waiter> waiters = line.iterator(); waiters.hasNext(); ) {
            Waiter waiter = waiters.next();
            Member member = grant(waiter.want);
            if (member != null) {
                waiters.remove();
                waiter.granted.complete(member);
            }
        }
    }

    private void remove(Member member) {
        synchronized (this) {
            if (members.remove(member)
                    && member.hasProcess()
                    && member.busyWith().isEmpty()
                    && !member.isEnding()) {
                LOG.warn(
                        "event=member-ended-idle plugin={} pid={}",
                        settings.plugin().getFileName(),
                        member.process().pid());
            }
            serveLine();
        }
        member.gone().complete(null);
    }

    // ---- ends

    /** Ends a member that is stuck in its call. Its place is free when its process has gone. */
    void endStuck(Member member) {
        synchronized (this) {
            member.setEnding();
        }
        PluginProcess process = member.process();
        Thread.ofPlatform().daemon().name("end-" + process.pid()).start(() -> process.terminate(settings.stopLimit()));
    }

    private void endGently(Member member) {
        PluginProcess process = member.process();
        LOG.debug("event=member-ends plugin={} pid={}", settings.plugin().getFileName(), process.pid());
        Thread.ofPlatform().daemon().name("end-" + process.pid()).start(() -> process.stop(settings.stopLimit()));
    }

    private void lookForIdleLater() {
        if (!isLookingForIdle && !isClosed && members.size() > 1) {
            isLookingForIdle = true;
            CompletableFuture.delayedExecutor(settings.idleLimit().toNanos(), TimeUnit.NANOSECONDS)
                    .execute(this::endIdle);
        }
    }

    /** One stays, so that a call that comes seldom need not wait for a new one. */
    private void endIdle() {
        List<Member> idle;
        synchronized (this) {
            isLookingForIdle = false;
            long limit = System.nanoTime() - settings.idleLimit().toNanos();
            idle = members.stream()
                    .filter(member -> isToBeHad(member) && member.kept() == 0 && member.since() - limit <= 0)
                    .sorted(Comparator.comparingLong(Member::since))
                    .limit(Math.max(
                            0,
                            members.stream()
                                            .filter(member -> !member.isEnding())
                                            .count()
                                    - 1))
                    .toList();
            idle.forEach(Member::setEnding);
            lookForIdleLater();
        }
        idle.forEach(this::endGently);
    }

    /** Members from now on are of a new version of the plugin; those of the old one end when their call does. */
    void renew() {
        List<Member> old;
        synchronized (this) {
            generation++;
            old = members.stream()
                    .filter(member -> member.isFree() && isOutdated(member))
                    .toList();
            old.forEach(Member::setEnding);
        }
        old.forEach(this::endGently);
    }

    // ---- looking

    /** The member that this is the session with. */
    synchronized Optional<Member> memberOf(Session session) {
        return members.stream()
                .filter(member -> member.hasProcess() && member.process().session() == session)
                .findFirst();
    }

    /** Whether this is the number of a member's process. */
    synchronized boolean includes(long pid) {
        return members.stream()
                .anyMatch(member -> member.hasProcess() && member.process().pid() == pid);
    }

    /** Notes that a member holds work for later, or holds less of it. */
    void keeps(Member member, int more) {
        boolean ends;
        synchronized (this) {
            member.keep(more);
            ends = member.isFree() && isOutdated(member);
            if (ends) {
                member.setEnding();
            }
        }
        if (ends) {
            endGently(member);
        }
    }

    /** The members, the one whose call or rest began last at the end. */
    synchronized List<Occupation> occupations() {
        long now = System.nanoTime();
        return members.stream()
                .filter(Member::hasProcess)
                .filter(member -> member.process().isAlive())
                .sorted(Comparator.comparingLong(Member::since))
                .map(member -> new Occupation(
                        member.process().pid(),
                        member.busyWith().map(Want::what).orElse(member.isEnding() ? "ending" : "idle"),
                        Duration.ofNanos(now - member.since())))
                .toList();
    }

    /** In words, what its members are busy with; the longest first. */
    private synchronized String occupation() {
        List<String> calls = members.stream()
                .sorted(Comparator.comparingLong(Member::since))
                .map(member -> member.busyWith().map(Want::what).orElse("the end of a process"))
                .toList();
        return calls.size() < 2
                ? String.join("", calls)
                : calls.size() + " calls, of which the longest is " + calls.getFirst();
    }

    /** Lets the plugin log out of its storage in every member. Calls that do not end in time lose their process. */
    @Override
    public void close() {
        List<Member> all;
        synchronized (this) {
            isClosed = true;
            line.forEach(waiter -> waiter.granted.completeExceptionally(new IllegalStateException("closed")));
            line.clear();
            all = List.copyOf(members);
            all.stream().filter(Member::isFree).forEach(member -> {
                member.setEnding();
                endGently(member);
            });
        }
        long deadline = System.nanoTime() + settings.stopLimit().toNanos();
        for (Member member : all) {
            if (!isGone(member, Math.max(0, deadline - System.nanoTime()))
                    && member.hasProcess()
                    && !member.isEnding()) {
                endStuck(member);
            }
        }
        long last = System.nanoTime() + 3 * settings.stopLimit().toNanos();
        all.forEach(member -> isGone(member, Math.max(0, last - System.nanoTime())));
        ancestry.close();
    }

    private static boolean isGone(Member member, long nanos) {
        try {
            member.gone().get(nanos, TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
