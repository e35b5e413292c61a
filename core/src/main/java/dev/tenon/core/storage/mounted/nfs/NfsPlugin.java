package dev.tenon.core.storage.mounted.nfs;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.mounted.Mount;
import dev.tenon.core.storage.mounted.MountHost;
import dev.tenon.core.storage.mounted.MountedPlugin;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The storage type {@code nfs}: a directory that an NFS server exports. */
public final class NfsPlugin extends MountedPlugin {
    private static final PluginData DATA = new PluginData(
            Set.of("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import"),
            Set.of("images"),
            Set.of("raw", "qcow2", "vmdk"),
            "raw",
            Set.of(),
            Set.of(),
            false,
            Map.of());

    private static final Duration ASKING = Duration.ofSeconds(10);
    private static final Duration CONNECTING = Duration.ofSeconds(2);
    private static final int USUAL_PORT = 2049;
    private static final int HIGHEST_PORT = 65535;
    private static final Pattern VERSION_4 = Pattern.compile("vers=4");
    private static final Pattern PORT = Pattern.compile("(?:^|,)port=(\\d{1,9})(?:,|$)");

    public NfsPlugin() {
        this(MountHost.USUAL);
    }

    /** On a node that keeps its things elsewhere. */
    public NfsPlugin(MountHost host) {
        super(host);
    }

    @Override
    public String type() {
        return "nfs";
    }

    @Override
    public PluginData pluginData() {
        return DATA;
    }

    @Override
    public Map<String, PropertySchema> properties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put(
                "export", schema("string", "The directory that the server exports.", format("pve-storage-path")));
        properties.put("server", schema("string", "Name or address of the server.", format("pve-storage-server")));
        return properties;
    }

    private static Map<String, Object> format(String name) {
        return Map.of("format", name);
    }

    @Override
    public Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = mountOptions();
        options.put("server", FIXED);
        options.put("export", FIXED);
        options.put("preallocation", OPTIONAL);
        options.put("snapshot-as-volume-chain", OPTIONAL_FIXED);
        return options;
    }

    private static String source(Storage storage) {
        return bracketed(server(storage)) + ":" + remotePath(storage, "export");
    }

    @Override
    protected boolean isStorage(Storage storage, Mount mount) {
        return mount.type().startsWith("nfs") && mount.isOf(source(storage));
    }

    @Override
    protected void mount(Storage storage, Path mountPoint) {
        List<String> words =
                new ArrayList<>(List.of("/bin/mount", "-t", "nfs", source(storage), mountPoint.toString()));
        options(storage).ifPresent(options -> words.addAll(List.of("-o", options)));
        runMount("/sbin/mount.nfs", "nfs-common", words);
    }

    /** Asks the server for its exports; one of version 4 need not tell them, so whether it is there. */
    @Override
    public boolean checkConnection(Storage storage) {
        String server = server(storage);
        String options = options(storage).orElse("");
        if (!VERSION_4.matcher(options).find()) {
            return isAnswered("/sbin/showmount", "--no-headers", "--exports", server);
        }
        InetAddress address = address(server);
        String transport = address instanceof Inet6Address ? "tcp6" : "tcp";
        return isAnswered("/usr/sbin/rpcinfo", "-T", transport, address.getHostAddress(), "nfs", "4")
                || accepts(address, port(options));
    }

    private boolean isAnswered(String... words) {
        Optional<Command.Ended> ended = ask(ASKING, List.of(words));
        return ended.isPresent() && ended.get().exitCode() == 0;
    }

    private static InetAddress address(String server) {
        try {
            boolean isAddress = isIpv6(server) || server.matches("[0-9.]+");
            for (InetAddress address : InetAddress.getAllByName(server)) {
                if (isAddress || !address.isLoopbackAddress()) {
                    return address;
                }
            }
        } catch (UnknownHostException e) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE, "hostname lookup '" + server + "' failed - " + e.getMessage());
        }
        throw StorageException.refused(
                StorageError.STORAGE_UNAVAILABLE, "address lookup for '" + server + "' did not find any IP address");
    }

    private static int port(String options) {
        Matcher port = PORT.matcher(options);
        return port.find() ? Integer.parseInt(port.group(1)) : USUAL_PORT;
    }

    private static boolean accepts(InetAddress address, int port) {
        if (port == 0 || port > HIGHEST_PORT) {
            return false;
        }
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), (int) CONNECTING.toMillis());
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
