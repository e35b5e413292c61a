package dev.tenon.cli.check;

import dev.tenon.core.spi.Format;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Checked;
import dev.tenon.tck.backup.BackupSubject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What the kit found.
 *
 * @param plugin as the caller names it
 * @param facts what makes it repeatable, by their names
 * @param provider what its backup providers can do, if it gives any and they were checked
 */
record Findings(
        String plugin,
        SortedMap<String, String> facts,
        Abilities abilities,
        Optional<BackupSubject> provider,
        Limits limits,
        List<Checked> checks) {
    Findings {
        facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
        checks = List.copyOf(checks);
    }

    /** What a plugin does with images of which formats. */
    record Feature(String name, List<String> supported, List<String> unsupported) {}

    /** What failed without being declared. */
    List<Checked> failures() {
        return checks.stream()
                .filter(checked -> checked.result() == Checked.Result.FAILED && !limits.has(checked))
                .toList();
    }

    /** What failed as it is declared to. */
    List<Checked> declared() {
        return checks.stream()
                .filter(checked -> checked.result() == Checked.Result.FAILED && limits.has(checked))
                .toList();
    }

    List<Limits.Limit> unmet() {
        return limits.unmet(checks);
    }

    long count(Checked.Result result) {
        return checks.stream().filter(checked -> checked.result() == result).count();
    }

    boolean isPassed() {
        return failures().isEmpty() && unmet().isEmpty() && count(Checked.Result.PASSED) > 0;
    }

    String verdict() {
        if (!isPassed()) {
            return "FAILED";
        }
        return declared().isEmpty() ? "PASSED" : "PASSED WITH LIMITS";
    }

    /** Why, in sentences. */
    List<String> reasons() {
        List<String> reasons = new ArrayList<>();
        reasons.add(counted(checks.size()) + ": " + count(Checked.Result.PASSED) + " passed, "
                + failures().size() + " failed, " + declared().size() + " failed as declared, "
                + count(Checked.Result.NOT_SUPPORTED) + " of what the plugin does not do.");
        unmet().forEach(limit -> reasons.add("The limit of " + limit + " no longer applies: remove it."));
        if (count(Checked.Result.PASSED) == 0) {
            reasons.add("Nothing passed.");
        }
        return reasons;
    }

    private static String counted(int count) {
        return count == 1 ? "1 check" : count + " checks";
    }

    /** What the plugin does not do, by the words that a test is left out with. */
    SortedSet<String> notSupported() {
        SortedSet<String> all = new TreeSet<>();
        checks.stream()
                .filter(checked -> checked.result() == Checked.Result.NOT_SUPPORTED)
                .forEach(checked -> all.add(checked.why()));
        return all;
    }

    List<Feature> features() {
        Stream<Feature> ofImages = Stream.of(
                of("images", abilities.formats(), Set.of(Format.Image.values())),
                of("snapshots", abilities.snapshots(), abilities.formats()),
                of("base images", abilities.bases(), abilities.formats()),
                of("linked clones", abilities.clones(), abilities.formats()),
                of("renaming", abilities.renames(), abilities.formats()),
                of("growing", abilities.resizes(), abilities.formats()),
                of("renaming of snapshots", abilities.renamesSnapshots()),
                of("notes of backups", abilities.backupNotes()),
                of("streams of other formats", abilities.convertsIntoStreams()),
                of("failures with kind and outcome", abilities.tellsWhy()));
        Stream<Feature> ofBackups = provider.stream()
                .flatMap(able -> Stream.of(
                        of("backups of VMs", true),
                        of("incremental backups", able.isIncremental()),
                        of("backups of containers", able.keepsContainers()),
                        of("pruning of backups", able.prunes())));
        return Stream.concat(ofImages, ofBackups).toList();
    }

    private static Feature of(String name, Set<Format.Image> supported, Set<Format.Image> all) {
        Set<Format.Image> not = new TreeSet<>(all);
        not.removeAll(supported);
        return new Feature(name, words(supported), words(not));
    }

    private static Feature of(String name, boolean isSupported) {
        return new Feature(name, isSupported ? List.of("yes") : List.of(), isSupported ? List.of() : List.of("no"));
    }

    private static List<String> words(Set<Format.Image> formats) {
        return formats.stream().sorted().map(Format.Image::word).toList();
    }

    /** The checks by their profiles, in the order in which they were made. */
    Map<String, List<Checked>> byProfile() {
        Map<String, List<Checked>> all = new LinkedHashMap<>();
        checks.stream()
                .sorted((one, other) -> one.profile().compareTo(other.profile()))
                .forEach(checked -> all.computeIfAbsent(checked.profile().word(), ignored -> new ArrayList<>())
                        .add(checked));
        return all;
    }
}
