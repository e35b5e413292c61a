package dev.tenon.core.image;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The program qemu-img. The format is always named, so that it never guesses one from what a guest wrote. */
public final class QemuImg {
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    /** What a slow storage still writes in a second, for the deadline of an image that is filled at once. */
    private static final long SLOWEST_BYTES_PER_SECOND = 4L * 1024 * 1024;

    private QemuImg() {}

    /**
     * Makes an empty image.
     *
     * @param file absolute, so that no part of it is taken for a protocol
     * @param size virtual size, rounded up to KiB
     * @param preallocation empty to leave it to qemu-img
     * @throws StorageException {@code COMMAND_FAILED} or {@code NO_SPACE}; a part of the image may be left
     */
    public static void create(Path file, Format.Image format, ByteSize size, Optional<Preallocation> preallocation) {
        List<String> arguments = new ArrayList<>(List.of("qemu-img", "create"));
        preallocation.ifPresent(mode -> arguments.addAll(List.of("-o", "preallocation=" + mode.word())));
        arguments.addAll(List.of("-f", format.word(), file.toString(), size.kibRoundedUp() + "K"));
        boolean fills = preallocation
                .filter(mode -> mode == Preallocation.FULL || mode == Preallocation.FALLOC)
                .isPresent();
        Duration deadline = fills ? DEADLINE.plusSeconds(size.bytes() / SLOWEST_BYTES_PER_SECOND) : DEADLINE;
        new Command(arguments, "unable to create image", deadline).run();
    }
}
