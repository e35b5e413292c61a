package dev.tenon.host;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorStream;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The volumes that are leaving plugins or arriving there, and how far they have come. */
public final class RunningTransfers implements Decorator {
    private final AtomicLong numbers = new AtomicLong();
    private final Map<Long, Running> running = new ConcurrentHashMap<>();

    private record Running(String storage, String volume, boolean isExport, long begin, DescriptorStream stream) {}

    /**
     * A transfer.
     *
     * @param number tells it from others of this process
     * @param isExport whether the volume leaves its storage
     * @param since for how long it has been under way
     * @param moved bytes of the stream by now
     * @param expected bytes of the whole stream, 0 if that is not known
     */
    public record Row(
            long number, String storage, String volume, boolean isExport, Duration since, long moved, long expected) {}

    @Override
    public @Nullable Object around(Call<?> call, Supplier<@Nullable Object> next) {
        Optional<ExportStream> export = call.argument(ExportStream.class);
        Object stream = export.isPresent()
                ? export.get()
                : call.argument(ImportStream.class).orElse(null);
        if (!(stream instanceof DescriptorStream descriptor)) {
            return next.get();
        }
        long number = numbers.incrementAndGet();
        running.put(
                number,
                new Running(
                        String.valueOf(call.storage()),
                        call.argument(VolumeName.class).map(VolumeName::value).orElse(""),
                        export.isPresent(),
                        System.nanoTime(),
                        descriptor));
        try {
            return next.get();
        } finally {
            running.remove(number);
        }
    }

    /** Those that are under way now, the oldest first. */
    public List<Row> rows() {
        long now = System.nanoTime();
        return running.entrySet().stream()
                .map(entry -> {
                    Running one = entry.getValue();
                    return new Row(
                            entry.getKey(),
                            one.storage(),
                            one.volume(),
                            one.isExport(),
                            Duration.ofNanos(now - one.begin()),
                            one.stream().transferred().bytes(),
                            one.stream().expected());
                })
                .sorted(Comparator.comparingLong(Row::number))
                .toList();
    }
}
