package dev.tenon.it.sidebyside;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.block.zfs.ZfsHost;
import dev.tenon.core.storage.block.zfs.ZfsPoolPlugin;
import dev.tenon.it.block.Lab;
import dev.tenon.it.block.ZfsLab;
import dev.tenon.it.support.Scratch;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** PVE's own ZFSPoolPlugin and the type in Java do the same, in a guest. */
class ZfsBesidePve {
    private static final String STORAGE = "side";
    private static final String PERL = "side-perl";
    private static final String JAVA = "side-java";
    private static final int STEPS = Integer.getInteger("tenon.sidebyside.steps", 250);

    private static final ZfsHost HOST = ZfsLab.host(PoolComparison.LOCKS);

    /** What depends on when something was written, or is another in each pool. */
    private static final Set<String> OWN = Set.of(
            "available",
            "compressratio",
            "createtxg",
            "creation",
            "guid",
            "logicalreferenced",
            "logicalused",
            "objsetid",
            "refcompressratio",
            "referenced",
            "snapshots_changed",
            "used",
            "usedbychildren",
            "usedbydataset",
            "usedbyrefreservation",
            "usedbysnapshots",
            "written");

    private static Map<String, Object> section(String pool) {
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("type", "zfspool");
        section.put("pool", pool);
        section.put("blocksize", "8k");
        section.put("content", Map.of("images", 1, "rootdir", 1));
        return section;
    }

    private static JavaSide java(String pool) {
        Map<String, Object> section = section(pool);
        section.put("content", Map.of("images", "1", "rootdir", "1"));
        section.remove("type");
        return new JavaSide(new ZfsPoolPlugin(HOST), Storage.of(STORAGE, "zfspool", section), Path.of(pool));
    }

    private static String config(Scratch scratch, String pool) {
        return PerlSide.config(scratch, STORAGE, section(pool), List.of());
    }

    /** With nothing of another test that failed. */
    private static void prepare(String pool) {
        ZfsLab.prepare(pool, "4G");
        ZfsLab.names("filesystem,volume", pool).stream()
                .filter(name -> name.chars().filter(c -> c == '/').count() == 1)
                .forEach(name -> Lab.run("sh", "-c", "zfs destroy -R \"$0\" || ! zfs list \"$0\"", name));
    }

    /** What {@code zfs get} says of each volume and snapshot of a pool, and where that comes from. */
    private static Map<String, Map<String, String>> properties(String pool) {
        Map<String, Map<String, String>> all = new TreeMap<>();
        Lab.run(
                        "zfs",
                        "get",
                        "-r",
                        "-Hp",
                        "-t",
                        "filesystem,volume,snapshot",
                        "-o",
                        "name,property,value,source",
                        "all",
                        pool)
                .lines()
                .map(line -> line.split("\t", -1))
                .filter(words -> !OWN.contains(words[1]) && !words[1].startsWith("written@"))
                .forEach(words -> all.computeIfAbsent(words[0].replace(pool, "POOL"), _ -> new TreeMap<>())
                        .put(words[1], (value(words) + " " + words[3]).replace(pool, "POOL")));
        return all;
    }

    /** Clones are told in an order of ZFS's own. */
    private static String value(String[] words) {
        return words[1].equals("clones")
                ? Stream.of(words[2].split(",", -1)).sorted().collect(Collectors.joining(","))
                : words[2];
    }

    @Test
    void volumesAndFileSystems(Scratch scratch) {
        prepare(PERL);
        prepare(JAVA);
        PoolComparison.compare(
                PerlSide.start(scratch, STORAGE, Path.of(PERL), config(scratch, PERL)),
                java(JAVA),
                PERL,
                JAVA,
                new ZfsOperations(new Random(SideBySideTest.SEED), STORAGE),
                STEPS,
                ZfsBesidePve::properties);
    }

    @Test
    void bothInOnePool(Scratch scratch) throws InterruptedException, ExecutionException {
        prepare(JAVA);
        PoolComparison.mix(
                scratch,
                STORAGE,
                config(scratch, JAVA),
                java(JAVA),
                HOST.locks().storage(new StorageId(STORAGE), false),
                List.of("raw", "subvol"),
                STEPS);
    }
}
