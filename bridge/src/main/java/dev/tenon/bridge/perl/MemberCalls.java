package dev.tenon.bridge.perl;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.RemoteStorageException;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.storage.CallingPlugin;
import dev.tenon.bridge.storage.Dialect;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.storage.common.WholeImport;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Type;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The calls of a plugin, each made in a member of its family. A call of the interface that began with one version of the
 * plugin does not go on with another: its calls are put into the words of the version's API level.
 */
final class MemberCalls extends CallingPlugin {
    private static final Logger LOG = LoggerFactory.getLogger(MemberCalls.class);
    private static final MethodTable TABLE = StorageApi.API.table();
    private static final Duration LONGEST_WORK = Duration.ofDays(7);

    /** How many versions of the plugin a call is tried with. */
    private static final int MOST_ATTEMPTS = 3;

    private final SidecarSettings settings;
    private final DescriptorSocket descriptors;
    private final Ancestry ancestry;
    private final Family family;
    private final Providers providers;
    private final Creations creations = new Creations();
    private final LayeredPlugin layered = new LayeredPlugin(this);

    /** Bound while a member, which waits in a call, has this side do something; calls made meanwhile go into it. */
    private final ScopedValue<Session> inside = ScopedValue.newInstance();

    /** Bound while a call of the interface is made. */
    private final ScopedValue<Attempt> attempt = ScopedValue.newInstance();

    /** The members that keep work for later, by its token. */
    private final Map<String, Member> left = new ConcurrentHashMap<>();

    /** One try to make a call of the interface with a version of the plugin. */
    private static final class Attempt {
        private final Loaded loaded;
        private boolean hasCalled;

        Attempt(Loaded loaded) {
            this.loaded = loaded;
        }
    }

    /** Another version has come while a call waited for a member; nothing was called. */
    private static final class RenewedException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient StorageException failure;

        RenewedException(StorageException failure) {
            super(failure);
            this.failure = failure;
        }
    }

    /**
     * Loads the plugin.
     *
     * @param outputs what its processes print
     */
    MemberCalls(UnixSockets sockets, SidecarSettings settings, DescriptorSocket descriptors, Outputs outputs) {
        this.settings = settings;
        this.descriptors = descriptors;
        this.ancestry = new Ancestry(new Parent.Surroundings(sockets, settings, this::nested, descriptors, outputs));
        this.family = new Family(ancestry, settings);
        this.providers = new Providers(ancestry, family::renew, settings, functions, descriptors);
    }

    /** Starts a first member, so that a plugin of which none can be made is known at once. */
    void begin() {
        try {
            family.giveBack(
                    family.take(new Family.Want("start", false, null, null, null), settings.limit(Limit.START)));
        } catch (RuntimeException e) {
            ancestry.close();
            throw e;
        }
    }

    /** Whether this is the number of a process of the plugin. */
    boolean includes(long pid) {
        return ancestry.includes(pid) || family.includes(pid) || providers.includes(pid);
    }

    Loaded loaded() {
        return ancestry.loaded();
    }

    Family family() {
        return family;
    }

    /** Lets the plugin log out of its storage and ends its processes. */
    void end() {
        providers.close();
        family.close();
    }

    // ---- which version

    /** Makes a call of the interface with the plugin as it is now. */
    <T extends @Nullable Object> T made(Call<T> call) {
        for (int tries = 1; ; tries++) {
            Attempt now = new Attempt(inside.isBound() ? loadedBy(inside.get()) : ancestry.loaded());
            try {
                return ScopedValue.where(attempt, now).call(() -> call.on(this));
            } catch (RenewedException e) {
                if (now.hasCalled || tries == MOST_ATTEMPTS) {
                    throw e.failure;
                }
                LOG.debug("event=call-repeated call=\"{}\" reason=\"{}\"", call, e.failure.getMessage());
            }
        }
    }

    private Loaded loadedBy(Session session) {
        return family.memberOf(session).map(member -> member.process().loaded()).orElseGet(ancestry::loaded);
    }

    private Loaded version() {
        return attempt.isBound() ? attempt.get().loaded : ancestry.loaded();
    }

    @Override
    protected Dialect dialect() {
        return version().dialect();
    }

    /** The call that is to be made in this member was put into words for a version that it may not have. */
    private void checkVersion(Member member, String what) {
        if (!attempt.isBound()) {
            return;
        }
        Dialect meant = attempt.get().loaded.dialect();
        Dialect found = member.process().loaded().dialect();
        if (!found.equals(meant)) {
            throw new RenewedException(Failures.of(
                    ErrorCode.SIDECAR_FAILED,
                    Outcome.NOT_STARTED,
                    what,
                    "the plugin's file has changed meanwhile; it was of API version " + meant.level() + " and is of "
                            + found.level() + " now; repeat the call"));
        }
        attempt.get().hasCalled = true;
    }

    // ---- ways

    /**
     * What the plugin calls while it runs: functions that came with its call, and PVE's base class, which is in Java.
     */
    private CallHandler nested(Session session) {
        LayeredPlugin plugin = new LayeredPlugin(
                new OwnMethods(session, descriptors, () -> loadedBy(session).dialect()));
        ServedPlugins base = ServedPlugins.ofStorages(Map.of("base", plugin.base()));
        return call -> call.method().equals(Functions.METHOD)
                ? ScopedValue.where(inside, session).call(() -> functions.run(call.params()))
                : base.handle(call, descriptors);
    }

    @Override
    protected <T> T offering(int descriptor, Function<String, T> call) {
        return offering(descriptors, descriptor, call);
    }

    static <T> T offering(DescriptorSocket descriptors, int descriptor, Function<String, T> call) {
        try (DescriptorSocket.Offer offer = descriptors.offer(descriptor)) {
            return call.apply(offer.token());
        }
    }

    /** Methods inherited from the base class in Java are not called through Perl. */
    private boolean isAnsweredHere(String operation) {
        return version().description().pve().equals("compat") && !hasOwn(operation);
    }

    /** Calls under the storage's lock stay one call, so that they are kept apart from others as a whole. */
    @Override
    protected <T extends @Nullable Object> T cross(Call<T> call) {
        return isAnsweredHere(call.operation()) && rowOf(call.operation()).lock() == null
                ? inherited(call)
                : super.cross(call);
    }

    /** Its errors name the call, as those of calls that cross do. */
    private <T extends @Nullable Object> T inherited(Call<T> call) {
        try {
            return call.on(layered.base());
        } catch (RemoteStorageException e) {
            throw e;
        } catch (StorageException e) {
            String method = rowOf(call.operation()).name();
            StringBuilder what = new StringBuilder(method);
            if (call.storage() != null) {
                what.append(" of storage '").append(call.storage()).append('\'');
            }
            call.argument(VolumeName.class)
                    .ifPresent(
                            volume -> what.append(", volume '").append(volume).append('\''));
            throw Errors.fromWire(Errors.toWire(e, "host", method), what.toString());
        }
    }

    @Override
    protected @Nullable Object exportVolume(Call<?> call) {
        return isAnsweredHere("exportVolume") ? call.on(layered.base()) : super.exportVolume(call);
    }

    @Override
    protected VolumeId importVolume(Call<?> call) {
        if (isAnsweredHere("importVolume")) {
            return (VolumeId) Objects.requireNonNull(call.on(layered.base()));
        }
        Storage storage = call.argument(Storage.class).orElseThrow();
        VolumeName volume = call.argument(VolumeName.class).orElseThrow();
        boolean allowRename = call.argument(Boolean.class).orElseThrow();
        try (Creations.Import importing = creations.beginImport(new VolumeId(storage.id(), volume))) {
            return Creations.whole(() -> new WholeImport(this, storage, volume, allowRename)
                    .run(
                            wasFree -> importing.alone(() -> importVolume(call, wasFree && !importing.isShared())),
                            Runnable::run));
        }
    }

    @Override
    public BackupProvider newBackupProvider(Storage storage, TaskLog log) {
        return isAnsweredHere("newBackupProvider")
                ? layered.base().newBackupProvider(storage, log)
                : providers.make(storage, log);
    }

    /** Not in line with the calls, since it may last for hours; the member does it in a process of its own. */
    @Override
    protected void claim(String token) {
        String what = "the work that free_image left";
        Member member = left.remove(token);
        if (member == null || !member.process().isAlive()) {
            throw Failures.of(
                    ErrorCode.NOT_FOUND,
                    Outcome.NOT_STARTED,
                    what,
                    "the work '" + token
                            + "' is not left: it was claimed before, or the process that kept it has ended;"
                            + " look at the storage for what is left");
        }
        try {
            member.process().session().call("claim", Value.fields("token", new Value.Text(token)), LONGEST_WORK);
        } catch (RemoteCallException e) {
            throw Errors.fromWire(e.error(), what);
        } catch (SessionClosedException | TimeoutException e) {
            throw Failures.of(
                    ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what, "the plugin was lost: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.of(ErrorCode.CANCELLED, Outcome.UNKNOWN, what, "was cancelled");
        } finally {
            family.keeps(member, -1);
        }
    }

    @Override
    protected Value call(String method, Fields params) {
        if (inside.isBound()) {
            return callInside(inside.get(), method, params);
        }
        ancestry.lookAtFile(family::renew);
        Method row = TABLE.method(method);
        String what = Crossing.what(method, params);
        String storage = text(params, "storeid");
        return storage == null
                ? callInMember(row, what, null, params)
                : creations.during(row, storage, what, () -> callInMember(row, what, storage, params));
    }

    private Value callInMember(Method row, String what, @Nullable String storage, Fields params) {
        String operation = operationOf(row, params);
        Host.Peer peer = Host.calling().process();
        String caller = peer == null ? null : peer.pid() + "-" + peer.connection();
        Duration limit = limitOf(row);
        Member member =
                family.take(new Family.Want(what, row.isLong(), storage, caller, operation), patience(row, limit));
        try {
            checkVersion(member, what);
            Family.Names names = family.names(member, caller, operation);
            Value answer = Crossing.into(
                    member.process(),
                    row,
                    what,
                    withCache(row, params, names),
                    new CallContext(null, limit, names.caller()),
                    ancestry::answered,
                    () -> family.endStuck(member));
            noteWhatIsLeft(member, row, answer);
            return answer;
        } finally {
            family.giveBack(member);
        }
    }

    private void noteWhatIsLeft(Member member, Method row, Value answer) {
        if (row.result() instanceof Method.Result.Single(Type type)
                && type.kind() == Type.Kind.CLEANUP
                && answer instanceof Value.Text(String token)) {
            family.keeps(member, 1);
            left.values().removeIf(other -> !other.process().isAlive());
            left.put(token, member);
        }
    }

    private static @Nullable String operationOf(Method row, Fields params) {
        return row.params().stream()
                .filter(param -> param.type().kind() == Type.Kind.CACHE)
                .map(param -> text(params, param.name()))
                .findFirst()
                .orElse(null);
    }

    private static Fields withCache(Method row, Fields params, Family.Names names) {
        String operation = names.operation();
        if (operation == null) {
            return params;
        }
        Map<String, Value> entries = new LinkedHashMap<>(params.entries());
        row.params().stream()
                .filter(param -> param.type().kind() == Type.Kind.CACHE)
                .forEach(param -> entries.put(param.name(), new Value.Text(operation)));
        return new Fields(entries);
    }

    private Duration limitOf(Method row) {
        return row.deadline().compareTo(settings.limit(Limit.CALL)) < 0 ? row.deadline() : settings.limit(Limit.CALL);
    }

    /** What lasts waits for what lasts; a short call would rather fail. */
    private Duration patience(Method row, Duration limit) {
        return row.isLong() || limit.compareTo(settings.limit(Limit.WAIT)) < 0 ? limit : settings.limit(Limit.WAIT);
    }

    private static @Nullable String text(Fields params, String name) {
        return params.get(name) instanceof Value.Text(String text) ? text : null;
    }

    // ---- calls into a call

    /**
     * The plugin's lock, for instance, is held by one process, in a call that lasts as long as the work: the work's calls
     * go into it.
     */
    private Value callInside(Session session, String method, Fields params) {
        Method row = TABLE.method(method);
        String storage = text(params, "storeid");
        return storage == null
                ? callInside(session, row, params)
                : creations.during(row, storage, Crossing.what(method, params), () -> callInside(session, row, params));
    }

    private Value callInside(Session session, Method row, Fields params) {
        Member member = family.memberOf(session).orElse(null);
        Fields placed =
                member == null ? params : withCache(row, params, family.names(member, null, operationOf(row, params)));
        try {
            Value answer = Crossing.nested(session, row.name(), placed, limitOf(row));
            if (member != null) {
                noteWhatIsLeft(member, row, answer);
            }
            return answer;
        } catch (StorageException e) {
            if (member != null && e.error() == StorageError.DEADLINE_EXCEEDED) {
                // The call around it would wait for the plugin as long as a lock may be held.
                family.endStuck(member);
            }
            throw e;
        }
    }
}
