package dev.tenon.bridge.perl;

import dev.tenon.bridge.perl.SidecarSettings.Limit;
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
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes of one plugin, as PVE's own workers are: each has its own copy of the plugin and makes one call at a time.
 * A call gets the member that its caller had before, else one that is free, else a new one, up to a bound; then it waits
 * in line. Long calls leave two members to short ones, and one storage leaves one to the others, of those for long calls, too.
 */
final class Family implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Family.class);

    /** How many members are kept for short calls, and how many for storages that do not hang. */
    private static final int LEFT_BY_LONG_CALLS = 2;

    private static final int LEFT_BY_ONE_STORAGE = 1;

    /** With fewer members than this, none are kept for others. */
    private static final int FEWEST_TO_SHARE = 4;

    /**
     * A member that had nothing to do for this part of the time after which it would end is asked whether it is there
     * before it gets a call: after 5 of 60 seconds.
     */
    private static final int TRUSTED_PART = 12;

    /** How long it may take to say so. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

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
        while (true) {
            Member member = granted(want, patience, deadline);
            if (!member.hasProcess()) {
                start(member, want, deadline);
                return member;
            }
            if (member.rested() < settings.limit(Limit.IDLE).toNanos() / TRUSTED_PART || isAnswering(member, want)) {
                return member;
            }
            LOG.warn(
                    "event=member-silent plugin={} pid={} do=\"its process is being ended\"",
                    settings.plugin().getFileName(),
                    member.process().pid());
            endStuck(member);
        }
    }

    private Member granted(Want want, Duration patience, long deadline) {
        Waiter waiter;
        synchronized (this) {
            if (isClosed) {
                throw Failures.of(
                        ErrorCode.SIDECAR_FAILED, Outcome.NOT_STARTED, want.what(), "the plugin has been closed");
            }
            Member granted = grant(want);
            if (granted != null) {
                return granted;
            }
            waiter = new Waiter(want);
            line.add(waiter);
        }
        return await(waiter, patience, deadline);
    }

    /**
     * One that had nothing to do for long may have been stopped meanwhile, or hang in something of the plugin's own.
     */
    private boolean isAnswering(Member member, Want want) {
        try {
            return member.process().session().isAnswering(PATIENCE);
        } catch (InterruptedException e) {
            giveBack(member);
            Thread.currentThread().interrupt();
            throw cancelled(want.what());
        }
    }

    private static StorageException cancelled(String what) {
        return Failures.of(
                ErrorCode.CANCELLED, Outcome.NOT_STARTED, what, "was cancelled while it waited for the plugin");
    }

    private void start(Member member, Want want, long deadline) {
        try {
            PluginProcess process = ancestry.child(want.what(), deadline, this::renew);
            synchronized (this) {
                member.started(process);
            }
            var _ = process.ended().thenRun(() -> remove(member));
        } catch (RuntimeException | Error e) {
            remove(member);
            throw e;
        }
    }

    private Member await(Waiter waiter, Duration patience, long deadline) {
        String what = waiter.want.what();
        try {
            return waiter.granted.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
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
            throw cancelled(what);
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
            member = new Member(want);
            members.add(member);
        }
        if (member != null) {
            member.begin(want);
        }
        return member;
    }

    private boolean isOfNow(Member member) {
        return !member.hasProcess() || member.process().loaded().generation() == ancestry.generation();
    }

    /**
     * Whether it is of an old version and no work that was left in it holds it. With a single place, work holds nothing.
     */
    private boolean isOutdated(Member member) {
        return !isOfNow(member) && (member.kept() == 0 || most == 1);
    }

    /** A member of an old version that only keeps its work needs no place. */
    private boolean needsPlace(Member member) {
        return isOfNow(member) || !member.isFree() || isOutdated(member);
    }

    private boolean isToBeHad(Member member) {
        return member.isFree() && isOfNow(member);
    }

    private @Nullable Member preferred(Want want) {
        Member before = callers.of(want.caller());
        if (before == null || !isToBeHad(before)) {
            before = operations.of(want.operation());
        }
        return before != null && isToBeHad(before) ? before : null;
    }

    /** Whether enough members are left for other calls. */
    private boolean mayGo(Want want) {
        if (want.isLong()) {
            int left = LEFT_BY_LONG_CALLS + (most < FEWEST_TO_SHARE ? 0 : LEFT_BY_ONE_STORAGE);
            int places = Math.max(1, most - left);
            // One that hangs does so for a day.
            if (busy(Want::isLong) >= places || !mayGo(want, places, Want::isLong)) {
                return false;
            }
        }
        return mayGo(want, most, call -> true);
    }

    /** Whether a storage leaves one of these places for such calls to the others. */
    private boolean mayGo(Want want, int places, Predicate<Want> such) {
        String storage = want.storage();
        return storage == null
                || places < FEWEST_TO_SHARE
                || busy(such.and(call -> storage.equals(call.storage()))) < places - LEFT_BY_ONE_STORAGE;
    }

    private long busy(Predicate<Want> such) {
        return members.stream()
                .filter(member -> member.busyWith().filter(such).isPresent())
                .count();
    }

    /** The names by which a plugin finds again what it kept, in this member, for the caller and for the operation. */
    record Names(@Nullable String caller, @Nullable String operation) {}

    /**
     * Notes that a call is made in this member. What was kept in another one is not found again: it may be old by now.
     */
    synchronized Names names(Member member, @Nullable String caller, @Nullable String operation) {
        return new Names(callers.note(caller, member), operations.note(operation, member));
    }

    /** The place that was granted may have no process yet. */
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

    /**
     * Ends a member that is stuck in its call. Until its process has gone, which the kernel may keep from ending, it counts
     * as busy with that call, so that what makes processes hang cannot use up the places of all.
     */
    void endStuck(Member member) {
        synchronized (this) {
            member.setStuck();
        }
        PluginProcess process = member.process();
        Thread.ofPlatform()
                .daemon()
                .name("end-" + process.pid())
                .start(() -> process.terminate(settings.limit(Limit.STOP)));
    }

    private void endGently(Member member) {
        PluginProcess process = member.process();
        LOG.debug("event=member-ends plugin={} pid={}", settings.plugin().getFileName(), process.pid());
        Thread.ofPlatform().daemon().name("end-" + process.pid()).start(() -> process.stop(settings.limit(Limit.STOP)));
    }

    private void lookForIdleLater() {
        if (!isLookingForIdle && !isClosed && members.size() > 1) {
            isLookingForIdle = true;
            CompletableFuture.delayedExecutor(settings.limit(Limit.IDLE).toNanos(), TimeUnit.NANOSECONDS)
                    .execute(this::endIdle);
        }
    }

    /** One stays, so that a call that comes seldom need not wait for a new one. */
    private void endIdle() {
        List<Member> idle;
        synchronized (this) {
            isLookingForIdle = false;
            long limit = System.nanoTime() - settings.limit(Limit.IDLE).toNanos();
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
                .map(member ->
                        new Occupation(member.process().pid(), doing(member), Duration.ofNanos(now - member.since())))
                .toList();
    }

    /** How many calls are waiting for a member. */
    synchronized int waiting() {
        return line.size();
    }

    private static String doing(Member member) {
        return member.busyWith()
                .map(want -> member.isStuck() ? want.what() + "; given up, its process is being ended" : want.what())
                .orElse(member.isEnding() ? "ending" : "idle");
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
        long deadline = System.nanoTime() + settings.limit(Limit.STOP).toNanos();
        for (Member member : all) {
            if (!isGone(member, Math.max(0, deadline - System.nanoTime()))
                    && member.hasProcess()
                    && !member.isEnding()) {
                endStuck(member);
            }
        }
        long last = System.nanoTime() + 3 * settings.limit(Limit.STOP).toNanos();
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
