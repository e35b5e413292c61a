package dev.tenon.cli.host;

import dev.tenon.core.service.BandwidthUse;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.StorageId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.Collection;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How fast a command may read and write. */
public final class BandwidthOption {
    private static final long KIB = 1024;

    @Option(
            names = "--bwlimit",
            paramLabel = "KIB",
            description =
                    "KiB a second, at most; 0 for no limit (default: what the configuration of the storages says)")
    private @Nullable Long kib;

    /** What is wrong with it, in one sentence. */
    public Optional<String> wrong() {
        return kib == null || (kib >= 0 && kib <= Long.MAX_VALUE / KIB)
                ? Optional.empty()
                : Optional.of("--bwlimit " + kib + " is no number of KiB a second, 0 or more");
    }

    /** Bytes a second, empty for no limit. */
    public OptionalLong limit(Host host, StorageService service, BandwidthUse use, Collection<StorageId> involved)
            throws IOException {
        OptionalLong requested = kib == null ? OptionalLong.empty() : OptionalLong.of(kib * KIB);
        return service.bandwidthLimit(use, involved, requested, host.datacenterBandwidth());
    }
}
