package dev.tenon.bridge.perl;

import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.serve.Overview;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * An existing Perl plugin, unmodified, as a storage plugin. It runs in processes of its own, one call at a time in each, so
 * that calls do not wait for each other. A call that takes longer than its method may, from when it begins, fails, and its
 * process with it. A process that ends takes only its own call with it.
 *
 * <p>Errors are {@link dev.tenon.bridge.codec.RemoteStorageException}: {@code PLUGIN_DIED} with the plugin's own text,
 * {@code SIDECAR_FAILED} with exit status or signal and the last lines it printed, {@code DEADLINE_EXCEEDED},
 * {@code PLUGIN_BUSY} if no process was free in time; all tell the outcome. After {@code UNKNOWN} look at the storage
 * before repeating a call that changes it.
 */
public final class PerlStoragePlugin extends DelegatingPlugin implements AutoCloseable {
    private final SidecarSettings settings;
    private final DescriptorSocket descriptors;
    private final Outputs outputs;
    private final MemberCalls calls;

    private PerlStoragePlugin(UnixSockets sockets, SidecarSettings settings) {
        this.settings = settings;
        String name = String.valueOf(settings.plugin().getFileName());
        DescriptorSocket socket = null;
        Outputs read = null;
        try {
            socket = Parent.descriptorsIn(settings.runtime(), this::isSidecar);
            read = new Outputs(name);
            this.descriptors = socket;
            this.outputs = read;
            this.calls = new MemberCalls(sockets, settings, socket, read);
            calls.begin();
        } catch (IOException e) {
            end(socket, read);
            throw StorageException.refused(StorageError.SIDECAR_FAILED, "plugin " + name + ": " + e.getMessage());
        } catch (RuntimeException e) {
            end(socket, read);
            throw e;
        }
    }

    private static void end(@Nullable DescriptorSocket socket, @Nullable Outputs outputs) {
        if (socket != null) {
            socket.close();
        }
        if (outputs != null) {
            outputs.close();
        }
    }

    private boolean isSidecar(long pid) {
        return calls.includes(pid);
    }

    /**
     * Loads the plugin.
     *
     * @throws StorageException {@code PLUGIN_REJECTED} if the file is no plugin that can be hosted, with Perl's own
     *     complaint; {@code SIDECAR_FAILED} if the process does not start
     */
    public static PerlStoragePlugin start(UnixSockets sockets, SidecarSettings settings) {
        return new PerlStoragePlugin(sockets, settings);
    }

    /** What the plugin is, in the version of its file that new processes have. */
    public PluginDescription description() {
        return calls.loaded().description();
    }

    /** The process that makes or made the newest call; empty if there is none. */
    public OptionalLong pid() {
        return members().stream().mapToLong(Occupation::pid).reduce((older, newer) -> newer);
    }

    @Override
    public String type() {
        return description().type();
    }

    @Override
    public boolean isShared() {
        return description().isShared();
    }

    @Override
    protected <T extends @Nullable Object> T make(Call<T> call) {
        return calls.made(call);
    }

    // ---- looking and ending

    /** What each process of the plugin does, the newest call at the end. */
    public List<Occupation> members() {
        return calls.family().occupations();
    }

    /** The same, with the calls that wait for a process, for those who look from outside. */
    public Overview.Plugin overview() {
        return new Overview.Plugin(
                type(),
                settings.plugin().toString(),
                settings.members(),
                calls.family().waiting(),
                members().stream()
                        .map(member -> new Overview.Member(member.pid(), member.what(), member.since()))
                        .toList());
    }

    /** Lets the plugin log out of its storage and ends its processes. A call that is stuck loses its process first. */
    @Override
    public void close() {
        calls.end();
        descriptors.close();
        outputs.close();
    }
}
