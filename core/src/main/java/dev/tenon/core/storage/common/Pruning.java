package dev.tenon.core.storage.common;

import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeInfo;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.temporal.IsoFields;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Decides which backups are kept. */
public final class Pruning {
    public static final String REMOVE = "remove";

    private static final String KEEP = "keep";
    private static final String PROTECTED = "protected";
    private static final String RENAMED = "renamed";
    private static final String KEEP_ALL = "keep-all";

    /** The rules in the order in which they choose, each with what is one period to it. */
    private static final Map<String, Function<Backup, String>> RULES = rules();

    private Pruning() {}

    private static Map<String, Function<Backup, String>> rules() {
        Map<String, Function<Backup, String>> rules = new LinkedHashMap<>();
        rules.put("keep-last", backup -> Long.toString(backup.seconds));
        rules.put("keep-hourly", ofTime(time -> time.toLocalDate() + " " + time.getHour()));
        rules.put("keep-daily", ofTime(time -> time.toLocalDate().toString()));
        rules.put(
                "keep-weekly",
                ofTime(time ->
                        time.get(IsoFields.WEEK_BASED_YEAR) + " " + time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR)));
        rules.put("keep-monthly", ofTime(time -> time.getYear() + " " + time.getMonthValue()));
        rules.put("keep-yearly", ofTime(time -> Integer.toString(time.getYear())));
        return rules;
    }

    private static Function<Backup, String> ofTime(Function<LocalDateTime, String> period) {
        return backup -> period.apply(backup.time);
    }

    /** A backup whose time is known, and what has been decided about it so far. */
    private static final class Backup {
        private final String group;
        private final LocalDateTime time;
        private final long seconds;
        private @Nullable String mark;

        private Backup(String group, LocalDateTime time, long seconds, boolean isProtected) {
            this.group = group;
            this.time = time;
            this.seconds = seconds;
            mark = isProtected ? PROTECTED : null;
        }

        static Backup of(BackupName name, BackupName.Standard standard, boolean isProtected) {
            return new Backup(name.type() + "/" + standard.guest(), standard.time(), standard.seconds(), isProtected);
        }

        /** A backup whose guest, type and time are listed. */
        static Backup of(ListedVolume listed) {
            VolumeInfo volume = listed.volume();
            long seconds = Objects.requireNonNull(volume.ctime());
            return new Backup(
                    listed.subtype() + "/" + volume.owner(),
                    LocalDateTime.ofInstant(Instant.ofEpochSecond(seconds), ZoneId.systemDefault()),
                    seconds,
                    listed.isProtected());
        }
    }

    /**
     * Refuses a retention that contradicts itself or has rules that are not known: what it means to keep might be removed.
     *
     * @throws StorageException {@code BAD_PARAMETER}
     */
    public static void check(Retention retention) {
        boolean keepsAll = number(retention, KEEP_ALL) > 0;
        retention.keep().forEach((rule, number) -> {
            if (!rule.equals(KEEP_ALL) && !RULES.containsKey(rule)) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER, "unknown retention option " + Quoted.of(rule));
            }
            if (number < 0) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER, "retention option '" + rule + "' is negative: " + number);
            }
            if (keepsAll && !rule.equals(KEEP_ALL) && number > 0) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER,
                        "keep-all cannot be set together with other options, here '" + rule + "'");
            }
        });
    }

    private static long number(Retention retention, String rule) {
        return retention.keep().getOrDefault(rule, 0L);
    }

    /**
     * What is to be done with each of these backups, in their order.
     *
     * @param type those of guests of this type, null for all
     */
    public static List<PruneMark> marks(List<ListedVolume> volumes, Retention retention, @Nullable String type) {
        Map<ListedVolume, Backup> standard = new LinkedHashMap<>();
        List<ListedVolume> chosen = new ArrayList<>();
        for (ListedVolume volume : volumes) {
            BackupName name = nameOf(volume);
            if (type != null && !type.equals(name.type())) {
                continue;
            }
            chosen.add(volume);
            if (name.standard() != null) {
                standard.put(volume, Backup.of(name, name.standard(), volume.isProtected()));
            }
        }
        decide(standard.values(), retention);
        return chosen.stream()
                .map(volume -> mark(volume, nameOf(volume).type(), standard.get(volume)))
                .toList();
    }

    /**
     * The same for backups of a storage that has names of its own: guest, type and time are as they are listed.
     *
     * @param volumes each with a guest, a subtype that is the guest's type, and the time when it was made
     */
    public static List<PruneMark> marksAsListed(List<ListedVolume> volumes, Retention retention) {
        Map<ListedVolume, Backup> all = new LinkedHashMap<>();
        volumes.forEach(volume -> all.put(volume, Backup.of(volume)));
        decide(all.values(), retention);
        return volumes.stream()
                .map(volume -> mark(volume, String.valueOf(volume.subtype()), all.get(volume)))
                .toList();
    }

    private static void decide(Collection<Backup> backups, Retention retention) {
        Map<String, List<Backup>> groups = new LinkedHashMap<>();
        backups.forEach(backup ->
                groups.computeIfAbsent(backup.group, group -> new ArrayList<>()).add(backup));
        groups.values().forEach(group -> markGroup(group, retention));
    }

    private static BackupName nameOf(ListedVolume volume) {
        String name = volume.volume().volid().volume().value();
        return BackupName.of(name.substring(name.lastIndexOf('/') + 1));
    }

    private static PruneMark mark(ListedVolume volume, String type, @Nullable Backup backup) {
        Long listed = volume.volume().ctime();
        long seconds = backup != null ? backup.seconds : listed == null ? 0 : listed;
        String mark = backup != null && backup.mark != null ? backup.mark : volume.isProtected() ? PROTECTED : RENAMED;
        return new PruneMark(
                volume.volume().volid(), seconds, type, mark, volume.volume().owner());
    }

    private static void markGroup(List<Backup> group, Retention retention) {
        group.sort(Comparator.comparingLong((Backup backup) -> backup.seconds).reversed());
        boolean keepsAll = number(retention, KEEP_ALL) > 0
                || retention.keep().values().stream().allMatch(number -> number == 0);
        if (!keepsAll) {
            RULES.forEach((rule, period) -> apply(group, number(retention, rule), period));
        }
        for (Backup backup : group) {
            if (backup.mark == null) {
                backup.mark = keepsAll ? KEEP : REMOVE;
            }
        }
    }

    /** Keeps the newest backup of each period that has none yet, newest first, up to this many periods. */
    private static void apply(List<Backup> group, long number, Function<Backup, String> period) {
        if (number == 0) {
            return;
        }
        Set<String> covered = new HashSet<>();
        for (Backup backup : group) {
            if (KEEP.equals(backup.mark)) {
                covered.add(period.apply(backup));
            }
        }
        Set<String> added = new HashSet<>();
        for (Backup backup : group) {
            String id = period.apply(backup);
            if (backup.mark != null || covered.contains(id)) {
                continue;
            }
            if (added.contains(id)) {
                backup.mark = REMOVE;
            } else if (added.size() >= number) {
                return;
            } else {
                added.add(id);
                backup.mark = KEEP;
            }
        }
    }
}
