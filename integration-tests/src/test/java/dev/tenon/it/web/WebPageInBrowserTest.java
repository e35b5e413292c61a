package dev.tenon.it.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.AxeCore;
import dev.tenon.it.support.Browser;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.TenonCommand;
import dev.tenon.it.support.TransferProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/**
 * The page in a real browser: 200 storages, one with 10,000 volumes, one with names that are markup, one that fails with
 * markup in its text, and a comparison with differences.
 */
@TestInstance(Lifecycle.PER_CLASS)
class WebPageInBrowserTest {
    private static final int STORAGES = 200;
    private static final int VOLUMES = 10_000;
    private static final int PER_GUEST = 20;
    private static final String HOSTILE = "<img src=x onerror=document.title='owned'>";

    private static final int ENTER = 13;
    private static final int ESCAPE = 27;
    private static final int TAB = 9;

    private final Scratch scratch;
    private final ShownDaemon shown;
    private final Browser browser;
    private final PerlCaller perl;
    private final ScratchStorage storage;

    WebPageInBrowserTest(Scratch scratch) throws IOException {
        this.scratch = scratch;
        browser = Browser.start(scratch);
        storage = ScratchStorage.create(scratch);
        Path many = scratch.file("many");
        for (int i = 0; i < VOLUMES; i++) {
            int guest = 100 + i / PER_GUEST;
            Path directory = many.resolve("images/" + guest);
            if (i % PER_GUEST == 0) {
                Files.createDirectories(directory);
            }
            Files.write(directory.resolve("vm-" + guest + "-disk-" + i % PER_GUEST + ".raw"), new byte[512]);
        }
        Path hostile = Files.createDirectories(scratch.file("hostile/template/iso"));
        Files.writeString(hostile.resolve(HOSTILE + ".iso"), "x");
        Files.writeString(hostile.resolve("javascript:alert(1).iso"), "x");
        StringBuilder config = new StringBuilder();
        config.append("dir: many\n\tpath ").append(many).append("\n\tcontent images\n\n");
        config.append("dir: hostile\n\tpath ").append(scratch.file("hostile")).append("\n\tcontent iso\n\n");
        config.append("broken: fails\n\tpath ").append(scratch.storage()).append("\n\tcontent images\n\n");
        config.append("legacydir: nas\n\tpath ").append(scratch.storage()).append("\n\tcontent images\n\n");
        for (int i = 4; i < STORAGES - 1; i++) {
            Path path = Files.createDirectories(scratch.file("s").resolve(Integer.toString(i)));
            config.append("dir: s%03d\n\tpath %s\n\tcontent images\n\n".formatted(i, path));
        }
        Path broken = Files.writeString(scratch.file("BrokenPlugin.pm"), """
                package PVE::Storage::Custom::BrokenPlugin;
                use strict;
                use warnings;
                use base qw(PVE::Storage::Plugin);
                sub api { return 13; }
                sub type { return 'broken'; }
                sub plugindata { return { content => [ { images => 1 }, { images => 1 } ] }; }
                sub options { return { path => { fixed => 1 }, content => { optional => 1 } }; }
                sub status { die "%s\\n"; }
                1;
                """.formatted(HOSTILE));
        Path reports = Files.createDirectories(scratch.file("kept").resolve(HOSTILE));
        Files.writeString(
                reports.resolve("report.html"), "<!DOCTYPE html><title>r</title><script>document.title='ran'</script>");
        shown = ShownDaemon.start(
                scratch,
                config.toString(),
                "--plugin",
                Installation.legacyDirPlugin().toString(),
                "--plugin",
                broken.toString(),
                "--shadow",
                "legacydir=dir",
                "--shadow",
                "broken=dir",
                "--shadow-report",
                scratch.file("reports").toString(),
                "--routes",
                scratch.file("routes").toString(),
                "--web-reports",
                scratch.file("kept").toString());
        perl = PerlCaller.start(scratch);
    }

    @BeforeEach
    void startAnew() {
        browser.look(1280, 900, false);
    }

    private void open() {
        browser.open(shown.address() + "#token=" + shown.token());
        browser.await("Number(document.body.dataset.updated) > 0");
    }

    private String text(String selector) {
        return String.valueOf(browser.value("document.querySelector(" + quoted(selector) + ").innerText"));
    }

    private static String quoted(String text) {
        try {
            return JSON.std.asString(text);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void awaitText(String selector, String text) {
        browser.await("document.querySelector(%s).innerText.includes(%s)".formatted(quoted(selector), quoted(text)));
    }

    @Test
    void whoeverHasNoTokenIsAskedForIt() {
        browser.open(shown.address());
        browser.value("sessionStorage.clear()");
        browser.open(shown.address());
        browser.await("!document.getElementById('login').hidden");
        browser.picture("login");
        assertThat(browser.value("document.activeElement.id")).isEqualTo("token");
        assertThat(browser.value("document.getElementById('content').hidden")).isEqualTo(true);

        browser.type("a-wrong-token-of-somebody");
        browser.press("Enter", ENTER);
        awaitText("#refused", "does not know this token");
        assertThat(browser.value("document.getElementById('content').hidden")).isEqualTo(true);

        browser.type(shown.token());
        browser.press("Enter", ENTER);
        browser.await("Number(document.body.dataset.updated) > 0");
        assertThat(text("#daemon")).contains("process " + shown.daemon().pid());

        browser.value("document.getElementById('forget').click()");
        assertThat(browser.value("document.querySelectorAll('tbody tr').length"))
                .isEqualTo(0);
        browser.open(shown.address());
        browser.await("!document.getElementById('login').hidden");
    }

    @Test
    void whatIsSaidToAnOldTokenIsNothingToANewOne() {
        browser.open(shown.address());
        browser.value("sessionStorage.clear()");
        browser.open(shown.address());
        browser.await("!document.getElementById('login').hidden");
        browser.value("window.real = window.fetch; window.held = [];"
                + " window.fetch = (a, o) => new Promise(go => held.push(go)).then(() => real(a, o)); 0");
        browser.type("a-wrong-token-of-somebody");
        browser.press("Enter", ENTER);
        browser.await("held.length === 1");

        browser.value("location.hash = '#token=" + shown.token() + "'");
        browser.await("location.hash === ''");
        browser.value("window.fetch = real; held[0](); 0");

        browser.await("Number(document.body.dataset.updated) > 0");
        assertThat(browser.value("document.getElementById('login').hidden")).isEqualTo(true);
    }

    @Test
    void howManyVolumesThereAreIsToldIfNotAllAreSent() {
        open();
        browser.value("window.real = window.fetch; window.fetch = async (a, o) => { const answer = await real(a, o);"
                + " if (!a.startsWith('/volumes')) return answer;"
                + " return new Response(JSON.stringify({...await answer.json(), all: 60000})); }; 0");
        find("many");
        browser.value("document.querySelector('#storages button').click()");
        awaitText("#count", "the first 10,000 of 60,000 volumes, of which the first 200 are shown");
        browser.type("vm-599-disk-1");
        awaitText("#count", "11 of the first 10,000 of 60,000 volumes");
    }

    @Test
    void theTokenDoesNotStayInTheAddress() {
        open();
        assertThat(browser.value("location.href")).isEqualTo(shown.address());
        assertThat(browser.value("document.cookie")).isEqualTo("");
    }

    @Test
    void whatStoragesSayIsTextAndNothingElse() {
        open();
        awaitText("#storages", HOSTILE);
        find("hostile");
        browser.value("document.querySelector('#storages button').click()");
        awaitText("#volumes", "hostile:iso/" + HOSTILE + ".iso");
        awaitText("#volumes", "javascript:alert(1).iso");
        awaitText("#reports", HOSTILE);
        assertThat(browser.value("document.querySelectorAll('img, script:not([src])').length"))
                .isEqualTo(0);
        assertThat(browser.value("document.title")).isEqualTo("Tenon");
        assertThat(browser.complaints()).noneMatch(text -> text.contains("Content Security Policy"));
        browser.press("Escape", ESCAPE);

        String link = String.valueOf(browser.value("document.querySelector('#reports a').href"));
        browser.open(link);
        assertThat(browser.value("document.title")).isEqualTo("r");
    }

    private void find(String text) {
        browser.value("(i => { i.value = %s; i.dispatchEvent(new Event('input')); })(document.getElementById('find'))"
                .formatted(quoted(text)));
    }

    @Test
    void manyStoragesAndVolumesAreUsedWithTheKeyboard() {
        open();
        assertThat(browser.value("document.querySelectorAll('#storages tbody tr').length"))
                .isEqualTo(STORAGES);
        browser.await("[...document.querySelectorAll('#summary strong')][0].innerText === '198 / 200'");
        browser.picture("light");

        browser.value("document.getElementById('find').focus()");
        browser.type("many");
        browser.await("document.querySelectorAll('#storages tbody tr').length === 1");
        browser.press("Tab", TAB);
        browser.press("Tab", TAB);
        browser.press("Tab", TAB);
        assertThat(browser.value("document.activeElement.innerText")).isEqualTo("many");
        browser.press("Enter", ENTER);
        awaitText("#count", "10,000 volumes, of which the first 200 are shown");
        assertThat(browser.value("document.querySelectorAll('#listed tbody tr').length"))
                .isEqualTo(200);
        assertThat(browser.value("document.activeElement.id")).isEqualTo("pick");
        browser.picture("volumes");
        browser.type("vm-599-disk-1");
        awaitText("#count", "11 volumes");
        // The first one clears what was typed, as browsers have it.
        browser.press("Escape", ESCAPE);
        browser.press("Escape", ESCAPE);
        browser.await("!document.getElementById('volumes').open");
        assertThat(browser.value("document.activeElement.innerText")).isEqualTo("many");
    }

    /** The same elements stay, so that whoever has reached one with the keyboard stays there. */
    @Test
    void newsComeByThemselvesAndNobodyLosesHisPlace() {
        open();
        browser.value("document.querySelectorAll('#storages button')[150].focus()");
        String before = String.valueOf(browser.value("document.activeElement.innerText"));
        PerlCaller legacy = perl.calling("legacydir");
        Map<String, Object> section = storage.section("legacydir");
        for (int i = 0; i < 5; i++) {
            assertThat(legacy.list("volume_size_info", section, "nas", ScratchStorage.RAW)
                            .list())
                    .isNotEmpty();
        }
        awaitText("#calls", "volumeSizeInfo");
        awaitText("#comparisons", "calls that read were compared");
        awaitText("#plugins", "legacydir");
        assertThat(browser.value("document.activeElement.innerText")).isEqualTo(before);
        browser.value("document.getElementById('calls').scrollIntoView()");
        browser.picture("calls");
        browser.value("document.getElementById('comparisons').scrollIntoView()");
        browser.picture("comparisons");
    }

    @Test
    void transfersAndDifferencesAreShownWhileTheyHappen() {
        open();
        TransferProgram transfer = TransferProgram.exporting(scratch, "dir", ScratchStorage.RAW, "raw+size");
        awaitText("#transfers", "nas:" + ScratchStorage.RAW);
        awaitText("#transfers", "leaves");
        assertThat(browser.value("document.querySelector('#transfers progress').value < 0.5"))
                .isEqualTo(true);
        assertThat(perl.calling("broken")
                        .list("status", "fails", storage.section("broken"), PerlCaller.cache("one"))
                        .died())
                .contains(HOSTILE);
        awaitText("#comparisons", "status() of storage 'fails'");
        awaitText("#comparisons", HOSTILE);
        assertThat(browser.value("document.querySelectorAll('img').length")).isEqualTo(0);
        browser.value("document.getElementById('transfers').scrollIntoView()");
        browser.picture("transfers");

        transfer.kill();
        awaitText("#transfers", "No volume is on its way.");
    }

    private void route(String... words) {
        List<String> all = new ArrayList<>(List.of("route", "broken"));
        all.addAll(List.of(words));
        all.addAll(List.of(
                "--storage",
                "fails",
                "--socket",
                DaemonProcess.socketIn(scratch).toString()));
        TenonCommand routed = TenonCommand.run(scratch, all.toArray(String[]::new));
        assertThat(routed.status()).as(routed.errors()).isZero();
    }

    @Test
    void theWayBackIsShownWithWhenAndWhy() throws IOException {
        String path = Files.writeString(scratch.file("no-directory"), "")
                .resolve(HOSTILE)
                .toString();
        open();
        route("new", "--reason", "by " + HOSTILE, "--bad", "1", "--of", "1");
        try {
            awaitText("#comparisons", "by " + HOSTILE);

            assertThat(perl.calling("broken")
                            .list(
                                    "activate_storage",
                                    "fails",
                                    storage.section("broken", "path", path),
                                    PerlCaller.cache("two"))
                            .died())
                    .contains(path);

            awaitText("#comparisons", "1 of the last 1 calls of the new plugin were bad");
            awaitText("#comparisons", path);
            awaitText("#comparisons", "bounds");
            assertThat(browser.value("document.querySelectorAll('img').length")).isEqualTo(0);
            assertThat(browser.value("document.title")).isEqualTo("Tenon");
            browser.value("document.getElementById('comparisons').scrollIntoView()");
            browser.picture("way-back");
        } finally {
            route("shadow", "--reason", "the next test");
        }
    }

    @Test
    void itFitsOnAPhoneAndIsDarkWhereThatIsWanted() {
        browser.look(390, 844, true);
        open();
        browser.await("[...document.querySelectorAll('#summary strong')][0].innerText === '198 / 200'");
        browser.picture("phone-dark");
        assertThat(browser.value("document.documentElement.scrollWidth <= innerWidth"))
                .isEqualTo(true);
        assertThat(browser.value("getComputedStyle(document.body).backgroundColor"))
                .isEqualTo("rgb(13, 17, 23)");
        find("many");
        browser.value("document.querySelector('#storages button').click()");
        awaitText("#count", "10,000 volumes");
        browser.picture("phone-volumes");
        assertThat(browser.value("document.documentElement.scrollWidth <= innerWidth"))
                .isEqualTo(true);
        browser.press("Escape", ESCAPE);
        browser.look(1280, 900, true);
        find("");
        browser.picture("dark");
        browser.look(390, 844, false);
        browser.picture("phone-light");
    }

    @Test
    void axeFindsNothing() throws IOException {
        String axe = AxeCore.script(scratch);
        browser.open(shown.address());
        browser.value("sessionStorage.clear()");
        browser.open(shown.address());
        browser.await("!document.getElementById('login').hidden");
        browser.value(axe + "; 0");
        assertThat(violations()).as("the login").isEqualTo(List.of());
        open();
        browser.await("[...document.querySelectorAll('#summary strong')][0].innerText === '198 / 200'");
        browser.value(axe + "; 0");
        assertThat(violations()).as("light").isEqualTo(List.of());
        browser.look(390, 844, true);
        assertThat(violations()).as("a phone, dark").isEqualTo(List.of());
        find("hostile");
        browser.value("document.querySelector('#storages button').click()");
        awaitText("#volumes", "hostile:iso/");
        assertThat(violations()).as("volumes").isEqualTo(List.of());
    }

    /** What axe-core says of the page as it is, a line each. */
    private Object violations() {
        Object found = browser.value(
                "axe.run({resultTypes: ['violations']}).then(r => r.violations.flatMap("
                        + "v => v.nodes.slice(0, 3).map(n => v.id + ': ' + n.html.slice(0, 200) + ' ' + n.failureSummary)))",
                Duration.ofMinutes(3));
        return found == null ? "axe says nothing" : found;
    }

    /** Not a test of speed: it prints what it measures, and fails only if there is nothing to measure. */
    @Test
    void howLongItTakes() {
        open();
        browser.await("Number(document.body.dataset.updated) > 1");
        Object paint = browser.value("performance.getEntriesByName('first-contentful-paint')[0].startTime");
        Object update = browser.value("Number(document.body.dataset.took)");
        assertThat(paint).isInstanceOf(Number.class);
        assertThat(update).isInstanceOf(Number.class);
        System.out.println(
                "first contentful paint " + paint + " ms, update of " + STORAGES + " storages " + update + " ms");
    }
}
