package dev.tenon.cli.host;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Values of storages as tables show them; what is not known stays null. */
public final class Shown {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    private Shown() {}

    public static @Nullable String size(@Nullable ByteSize size) {
        return size == null ? null : size.shown();
    }

    /** Seconds since 1970, in the time zone of this machine. */
    public static @Nullable String time(@Nullable Long seconds) {
        return seconds == null
                ? null
                : TIME.format(Instant.ofEpochSecond(seconds).atZone(ZoneId.systemDefault()));
    }

    public static String content(Collection<ContentType> content) {
        return content.stream().map(ContentType::word).sorted().collect(Collectors.joining(","));
    }

    public static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }
}
