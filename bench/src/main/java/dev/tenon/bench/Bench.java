package dev.tenon.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What Tenon costs, beside others that do the same or nothing. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description =
                "Measures calls from Perl to Java and from Java to Perl beside echo servers that get and give the same"
                        + " bytes, and the daemon's memory; many callers of one adopted plugin beside one; calls of a daemon that has another plugin asked the same, beside one that has none; what the page of a daemon costs a call; listings of"
                        + " directory storages beside qemu-img; full copies of images beside cp; exports and imports beside"
                        + " dd and sendfile; imports of zeroes beside a loop in C; disks over NBD beside qemu-nbd and nbdcopy; backups beside borg, restic and a program in C; listings of StorPool beside its"
                        + " own plugin; storages of LVM beside what PVE's plugins run; and the start of a command beside that of a JVM and of Perl.",
        footer = {
            "",
            "Example: bin/bench calls --calls 20000",
            "Example: bin/bench transfers --image-mib 1024 --rounds 3",
            "Exit status 0 if all was measured, whatever came out."
        })
public final class Bench implements Callable<Integer> {
    private static final int CONNECTIONS = 1000;
    private static final int CALLS_IN_FLIGHT = 10_000;
    private static final int ROUNDS = 11;

    /** Beside so many lists a call takes longer, and so would all of them. */
    private static final int CROWD_SHARE = 4;

    /** Each of 8 processes makes 2,000 calls where 20,000 are asked for. */
    private static final int FAMILY_CALLS_SHARE = 10;

    private static final int FAMILY_SHARE = 4;
    private static final double TARGET_BESIDE_P50 = 1.1;
    private static final double TARGET_BESIDE_P99 = 2;
    private static final double TARGET_SCALING = 1.4;
    private static final double TARGET_SCALING_WAITING = 7;
    private static final long TARGET_MEMBER = 8L << 20;

    private static final double TARGET_ADOPTED = 1.3;
    private static final int LIST_ROUNDS = 25;
    private static final double TARGET_ADOPTED_LIST = 6;
    private static final double TARGET_CONSTANT_LIST = 2;
    private static final long TARGET_LISTS_GROWTH = 48L << 20;

    private enum Part {
        CALLS,
        PLUGINS,
        FAMILY,
        SHADOW,
        PAGE,
        LISTS,
        CONNECTIONS,
        CROWD,
        DIRECTORIES,
        COPIES,
        TRANSFERS,
        ZEROES,
        NBD,
        BACKUP,
        STORPOOL,
        BLOCK,
        START
    }

    @Parameters(
            paramLabel = "PART",
            arity = "0..*",
            description = "what to measure: ${COMPLETION-CANDIDATES} (default: all)")
    private List<Part> parts = List.of(Part.values());

    @Option(
            names = "--calls",
            paramLabel = "N",
            defaultValue = "20000",
            description = "calls of each peer that count, for each line of the table (default: ${DEFAULT-VALUE})")
    private int calls;

    @Option(
            names = "--warmup",
            paramLabel = "N",
            defaultValue = "20000",
            description = "calls of each peer before those (default: ${DEFAULT-VALUE})")
    private int warmup;

    @Option(
            names = "--image-mib",
            paramLabel = "MIB",
            defaultValue = "4096",
            description =
                    "size of the images that are exported; a quarter of it is imported (default: ${DEFAULT-VALUE})")
    private int imageMib;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "5",
            description = "transfers of each peer that count, for each line (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--backup-mib",
            paramLabel = "MIB",
            defaultValue = "8192",
            description = "size of the disk that is backed up; about five times as much space is needed (default:"
                    + " ${DEFAULT-VALUE})")
    private int backupMib;

    @Option(
            names = "--files",
            paramLabel = "N",
            defaultValue = "100000",
            description = "files of the container that is backed up (default: ${DEFAULT-VALUE})")
    private int files;

    public static void main(String[] args) {
        System.exit(new CommandLine(new Bench())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(args));
    }

    @Override
    public Integer call() throws Exception {
        if (System.getenv("TENON_LOG") == null && LoggerFactory.getLogger("ROOT") instanceof Logger root) {
            root.setLevel(Level.ERROR);
        }
        Report report = new Report(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
        try (Scratch scratch = Scratch.create()) {
            report.machine();
            for (Part part : parts) {
                switch (part) {
                    case CALLS -> calls(scratch, report);
                    case PLUGINS -> plugins(scratch, report);
                    case FAMILY -> family(scratch, report);
                    case SHADOW -> shadow(scratch, report);
                    case PAGE -> Observed.run(report);
                    case LISTS -> lists(scratch, report);
                    case CONNECTIONS -> connections(scratch, report);
                    case CROWD -> crowd(scratch, report);
                    case DIRECTORIES -> Directories.run(scratch, report);
                    case COPIES -> Copies.run(scratch, report);
                    case TRANSFERS -> Transfers.run(scratch, report, imageMib, rounds);
                    case ZEROES -> Zeroes.run(scratch, report, imageMib, rounds);
                    case NBD -> NbdDisks.run(scratch, report, imageMib, rounds);
                    case BACKUP -> Backups.run(scratch, report, backupMib, files);
                    case STORPOOL -> Storpool.run(scratch, report);
                    case BLOCK -> Block.run(report, rounds);
                    case START -> Start.run(scratch, report, rounds);
                }
            }
        }
        return 0;
    }

    private void calls(Scratch scratch, Report report) throws Exception {
        Plan plan = Plan.of(calls, warmup);
        PerlToJava.Result calling = PerlToJava.run(scratch, plan);
        report.heading("Perl calls Java: Tenon::Client, the daemon");
        calling.comparisons()
                .forEach(judged -> report.row(
                        judged.comparison(),
                        judged.targets().p50(),
                        judged.targets().p99()));
        report.switches(calling.switches());
        report.line("");
        report.line("The daemon's resident memory");
        report.resident("before the first call", calling.fresh());
        report.resident("after all calls", calling.used());
        report.resident("idle after them", calling.idle());
        report.plan(plan);
    }

    private void plugins(Scratch scratch, Report report) throws Exception {
        Plan plan = Plan.of(calls, warmup);
        report.heading("Java calls Perl: PerlStoragePlugin, its sidecar");
        var called = JavaToPerl.run(scratch, plan);
        report.row(called.getFirst(), true);
        called.stream().skip(1).forEach(comparison -> report.row(comparison, false));
        report.heading("Perl calls an adopted plugin, beside the same plugin in its own process", "own");
        AdoptedPlugin.Result adopted = AdoptedPlugin.run(scratch, plan);
        adopted.own().forEach(comparison -> report.row(comparison, false));
        report.heading("The same, beside two echoes one after the other", "2 echoes");
        report.row(adopted.echoes(), TARGET_ADOPTED, Double.NaN);
        report.switches(adopted.switches());
    }

    private void family(Scratch scratch, Report report) throws Exception {
        Plan plan = Plan.of(Math.max(1, calls / FAMILY_SHARE), Math.max(1, warmup / FAMILY_SHARE));
        Families.Result family = Families.run(scratch, plan, Math.max(1, calls / FAMILY_CALLS_SHARE));
        report.heading(
                "Short calls of an adopted plugin in whose family another call lasts, beside an idle plugin", "idle");
        report.row(family.beside(), TARGET_BESIDE_P50, TARGET_BESIDE_P99);
        report.row(family.importing(), TARGET_BESIDE_P50, TARGET_BESIDE_P99);
        report.line("");
        report.line("Calls a second of 8 processes to one plugin, as a multiple of those of one process");
        report.scaling("calls that cost nothing", family.scaling(), TARGET_SCALING);
        report.scaling("calls that wait for 20 ms", family.waiting(), TARGET_SCALING_WAITING);
        report.growth("a further member's own", family.memory(), TARGET_MEMBER);
    }

    private void shadow(Scratch scratch, Report report) throws Exception {
        Plan plan = Plan.of(Math.max(1, calls / CROWD_SHARE), Math.max(1, warmup / CROWD_SHARE));
        report.heading(
                "Calls at a fixed rate while a new plugin is asked the same, beside a daemon without one", "alone");
        List<Shadowed.Result> results = Shadowed.run(scratch, plan);
        results.forEach(each -> report.row(each.comparison(), Shadowed.TARGET_P50, Shadowed.TARGET_P99));
        report.line("");
        results.forEach(each -> report.growth(each.comparison().what(), each.memory(), Shadowed.TARGET_MEMORY));
    }

    private void crowd(Scratch scratch, Report report) throws Exception {
        Plan plan = Plan.of(Math.max(1, calls / CROWD_SHARE), Math.max(1, warmup / CROWD_SHARE));
        Crowd.Result crowd = Crowd.run(scratch, plan);
        report.heading(
                "A small call while another client asks for 128 lists of 20,000 volumes at once, again and again");
        report.row(
                crowd.small().comparison(),
                crowd.small().targets().p50(),
                crowd.small().targets().p99());
        report.line("  " + crowd.lists() + " lists were read meanwhile");
        report.crowded(crowd.resident());
    }

    private void connections(Scratch scratch, Report report) throws Exception {
        report.line("");
        report.line("Many connections, " + CALLS_IN_FLIGHT + " calls in flight on all of them");
        report.connections(ManyConnections.run(scratch, CONNECTIONS, Math.max(calls, CALLS_IN_FLIGHT), ROUNDS));
    }

    private void lists(Scratch scratch, Report report) throws Exception {
        Lists.Result lists = Lists.run(scratch, LIST_ROUNDS);
        report.heading("A list of 20,000 volumes: beside the plugin in its own process, or pack and unpack", "peer");
        report.row(lists.adopted(), TARGET_ADOPTED_LIST, Double.NaN);
        report.row(lists.constants(), TARGET_CONSTANT_LIST, Double.NaN);
        report.growth("daemon, by ten lists", lists.growth(), TARGET_LISTS_GROWTH);
    }
}
