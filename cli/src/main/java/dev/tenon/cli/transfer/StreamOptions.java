package dev.tenon.cli.transfer;

import dev.tenon.cli.console.Progress;
import dev.tenon.cli.host.BandwidthOption;
import dev.tenon.core.service.BandwidthUse;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.core.stream.Transferred;
import dev.tenon.host.Host;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a stream is moved. */
final class StreamOptions {
    private static final int LONGEST_STALL = 86_400;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "the format of the stream, for instance raw+size (default: the best that the storage has)")
    private @Nullable String format;

    @Mixin
    private TransferOptions transfer = new TransferOptions();

    @Mixin
    private BandwidthOption bandwidth = new BandwidthOption();

    @Option(
            names = "--checksum",
            description = "print the SHA-256 of the whole stream and its length to standard error")
    private boolean checksum;

    @Option(
            names = "--stall",
            paramLabel = "SECONDS",
            defaultValue = "120",
            description = "give up if the other end makes no progress for this long (default: ${DEFAULT-VALUE})")
    private int stall = 120;

    @Option(names = "--quiet", description = "show no progress")
    private boolean quiet;

    @Nullable
    String format() {
        return format;
    }

    TransferOptions transfer() {
        return transfer;
    }

    /** What is wrong with them, in one sentence. */
    Optional<String> wrong() {
        if (stall < 1 || stall > LONGEST_STALL) {
            return Optional.of("--stall " + stall + " is no number of seconds from 1 to " + LONGEST_STALL);
        }
        return bandwidth.wrong();
    }

    StreamSettings settings(Host host, StorageService service, StorageId storage, String what, Progress progress)
            throws IOException {
        StreamSettings settings = StreamSettings.USUAL
                .named(what)
                .withLimit(bandwidth.limit(host, service, BandwidthUse.MIGRATION, List.of(storage)))
                .withPatience(Duration.ofSeconds(stall));
        StreamSettings shown = quiet ? settings : settings.withProgress(progress::reached);
        return checksum ? shown.withChecksum() : shown;
    }

    /** Tells the checksum, if it is wanted. */
    void tell(PrintWriter err, Transferred transferred) {
        if (checksum) {
            err.println("sha256  " + transferred.sha256() + "  " + transferred.bytes());
            err.flush();
        }
    }
}
