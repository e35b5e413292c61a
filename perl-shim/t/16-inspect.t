use v5.36;

use Fcntl qw(LOCK_SH);
use File::Temp qw(tempdir);
use FindBin;
use IPC::Open3 qw(open3);
use JSON::PP ();
use POSIX ();
use Test::More;

use lib "$FindBin::Bin/../lib";

use Tenon::Inspect;
use Tenon::Inspect::Compat;
use Tenon::Inspect::Modules;
use Tenon::Inspect::Names;
use Tenon::Inspect::Source;
use Tenon::Inspect::Verdict;

my $dir = tempdir(CLEANUP => 1);
my $pve_lib = $ENV{TENON_PVE_LIB};

my $HEAD = <<'PLUGIN';
package PVE::Storage::Custom::GoodPlugin;
use base qw(PVE::Storage::Plugin);
sub type { return 'good' }
sub plugindata {
    return {
        content => [{ images => 1, none => 1 }, { images => 1 }],
        format => [{ raw => 1 }, 'raw'],
        'sensitive-properties' => { 'good-secret' => 1 },
        features => { 'backup-provider' => 1 },
    };
}
sub properties { return { 'good-secret' => { type => 'string' } } }
sub options { return { path => { fixed => 1 }, 'good-secret' => { optional => 1 } } }
PLUGIN

# A plugin of this source, and what was found out about it.
sub written ($source, $name = 'GoodPlugin') {
    my $file = "$dir/$name.pm";
    open(my $fh, '>:raw', $file) or die "cannot write '$file': $!\n";
    print {$fh} $source;
    close($fh) or die "cannot write '$file': $!\n";
    return $file;
}

sub inspected ($source, %opt) {
    return Tenon::Inspect->inspect(written($source), pve_lib => $pve_lib, %opt);
}

sub verdicts ($report) {
    my $hosts = $report->{hosts};
    return join(' ', map { "$_:$hosts->{$_}->{verdict}" } sort { $a <=> $b } keys $hosts->%*);
}

sub like_one ($list, $pattern, $name) {
    my $count = grep { $_ =~ $pattern } $list->@*;
    is($count, 1, $name) or diag(explain($list));
    return;
}

my $API = "sub api { return PVE::Storage::APIVER }\n";

subtest 'a good plugin' => sub {
    my $report = inspected(<<~"PLUGIN");
        ${HEAD}sub api {
            my \$host = PVE::Storage::APIVER;
            return \$host > 12 ? 12 : \$host < 10 ? 10 : \$host;
        }
        sub status { return (1, 1, 0, 1) }
        1;
        PLUGIN
    is($report->{package}, 'PVE::Storage::Custom::GoodPlugin', 'its package');
    is($report->{type}, 'good', 'its type');
    is($report->{api}, 12, 'its version on the newest host');
    is_deeply($report->{strategy}, { kind => 'mirror', oldest => 10, newest => 12 }, 'its window');
    is_deeply(
        [sort $report->{methods}->@*],
        [qw(api options plugindata properties status type)],
        'its own methods'
    );
    is_deeply($report->{properties}, ['good-secret'], 'its properties');
    is_deeply($report->{content}, { allowed => [qw(images none)], default => ['images'] },
        'content');
    is_deeply($report->{formats}, { allowed => ['raw'], default => ['raw'] }, 'formats');
    is_deeply($report->{sensitive}, ['good-secret'], 'sensitive properties');
    is_deeply($report->{features}, ['backup-provider'], 'features');
    is_deeply($report->{missing}, [], 'nothing is missing');
    is(
        verdicts($report),
        '9:rejected 10:loads 11:loads 12:loads 13:warns 14:warns 15:warns 16:warns',
        'verdicts follow the window'
    );
};

subtest 'how a plugin tells its version' => sub {
    my %strategies = (
        'the host\'s' => [$API, { kind => 'host' }, '9:loads 10:loads 11:loads'],
        'the same on every host' => [
            "sub api { 10 }\n", { kind => 'fixed', version => 10 }, '9:rejected 10:loads 11:warns'
        ],
        'none' => ['', { kind => 'none' }, '9:rejected 10:rejected 11:rejected'],
        'ancient' => [
            "sub api { 1 }\n",
            { kind => 'fixed', version => 1 },
            '9:rejected 10:rejected 11:rejected'
        ],
    );
    for my $name (sort keys %strategies) {
        my ($api, $strategy, $verdicts) = $strategies{$name}->@*;
        my $report = inspected("$HEAD${api}1;\n", levels => [9, 10, 11]);
        is_deeply($report->{strategy}, $strategy, "$name: strategy") or diag(explain($report));
        is(verdicts($report), $verdicts, "$name: verdicts");
    }
};

subtest 'why a host rejects it' => sub {
    my %rejected = (
        "${HEAD}1;\n" => qr/\Adoes not provide an api\(\) method\z/,
        "${HEAD}sub api { 1 }\n1;\n" =>
            qr/\Aimplements API version 1, older than the oldest that the host takes, 9\z/,
        "${HEAD}sub api { 17 }\n1;\n" =>
            qr/\Aimplements API version 17, newer than the host's, 16\z/,
        "${HEAD}sub api { 'x' }\n1;\n" => qr/\Acannot tell its API version: api\(\) returned 'x'\z/,
        "${HEAD}sub api { die qq(no\\n) }\n1;\n" => qr/\Acannot tell its API version: no\z/,
        "$HEAD$API" . "0;\n" => qr/\Adoes not compile: .* did not return a true value/,
        "$HEAD${API}exit(3);\n" =>
            qr/\Aended its process with exit status 3 while it was compiled\z/,
        "$HEAD${API}sub type { 'dir' }\n1;\n" => qr/\Ais of type 'dir', which PVE has itself\z/,
        "$HEAD${API}sub plugindata { die qq(no\\n) }\n1;\n" => qr/\Acannot be registered: no\z/,
        "$HEAD${API}sub options { 1 }\n1;\n" =>
            qr/\Akeeps PVE from starting: options\(\) returned no hash\z/,
        "$HEAD${API}sub properties { { password => {} } }\nsub options { {} }\n1;\n" =>
            qr/\Akeeps PVE from starting: it declares the property 'password', as PVE does\z/,
        "$HEAD${API}sub options { { maxfiles => {} } }\n1;\n" =>
qr/\Akeeps PVE from starting: its options use the property 'maxfiles', which nothing declares\z/,
        "package PVE::Storage::Custom::GoodPlugin;\n${API}1;\n" =>
            qr/\Ais not derived from PVE::Storage::Plugin\z/,
        "1;\n" => qr/\Adeclares no package\z/,
    );
    for my $source (sort keys %rejected) {
        my $host = inspected($source, levels => [16])->{hosts}->{16};
        is($host->{verdict}, 'rejected', 'rejected');
        like($host->{reason}, $rejected{$source}, 'the reason');
    }
};

subtest 'a property belongs to some levels' => sub {
    my $report =
        inspected("$HEAD${API}sub options { { 'content-dirs' => {}, 'maxfiles' => {} } }\n1;\n");
    like($report->{hosts}->{9}->{reason}, qr/use the property 'content-dirs', which/, 'level 9');
    is($report->{hosts}->{10}->{verdict}, 'loads', 'level 10');
    like($report->{hosts}->{12}->{reason}, qr/use the property 'maxfiles', which/, 'level 12');
    my $borrows = "$HEAD${API}sub options { { 'sibling' => {} } }\n1;\n";
    is_deeply(inspected($borrows)->{undeclared}, ['sibling'], 'what is borrowed');
    is(inspected($borrows, declared => ['sibling'])->{hosts}->{16}->{verdict}, 'loads',
        'and found');
};

subtest 'a file that does not compile is told about all the same' => sub {
    my $report = inspected("$HEAD${API}use Tenon::No::Such;\nuse JSON::XS::Nonexistent;\n1;\n");
    is_deeply(
        $report->{missing},
        [
            { module => 'Tenon::No::Such', package => 'libtenon-no-such-perl' },
            { module => 'JSON::XS::Nonexistent', package => 'libjson-xs-perl' },
        ],
        'the missing modules and their packages'
    );
    is($report->{type}, 'good', 'its type');
    is_deeply($report->{properties}, ['good-secret'], 'its properties');
    is(verdicts($report) =~ tr/://, 8, 'a verdict for each level');
    like($report->{hosts}->{12}->{reason},
        qr{\Adoes not compile: Can't locate Tenon/No/Such\.pm}, 'why');

    my $broken = inspected("$HEAD${API}sub status { if (1 }\n1;\n");
    is($broken->{type}, 'good', 'broken: its type');
    is_deeply([sort $broken->{methods}->@*],
        [qw(api options plugindata properties status type)], 'methods');
    like($broken->{hosts}->{16}->{reason}, qr/\Adoes not compile: syntax error/, 'broken: why');
};

subtest 'a module of the plugin\'s own is not looked for in Debian' => sub {
    my @own = qw(
        PVE::Storage::Custom::Good::Api PVE::Storage::Custom::GoodCommon PVE::Storage::Good::Client PVE::Storage::GoodHelper
    );
    my $report = inspected($HEAD . join('', map { "use $_;\n" } @own) . "1;\n");
    is_deeply([sort map { $_->{module} } $report->{missing}->@*], [sort @own], 'all are missing');
    is(scalar(grep { defined($_->{package}) } $report->{missing}->@*), 0, 'no package has them');
    my $problems = join("\n", $report->{problems}->@*);
    like($problems, qr/The module \Q$_\E is missing; no package has it/, "$_: the sentence")
        for @own;
    unlike($problems, qr/libpve-storage-perl/, 'PVE is not blamed');
};

subtest 'calls into PVE' => sub {
    my $report = inspected(<<~"PLUGIN", levels => [16]);
        $HEAD$API
        # PVE::Tools::in_a_comment()
        sub status {
            PVE::Tools::run_command(['true']);
            PVE::Tools::run_comand(['true']);
            PVE::Storage::DirPlugin::get_volume_attribute(\@_);
            PVE::Storage::DirPlugin->frobnicate;
            PVE::Unknown::anything();
            PVE::Cluster::not_yet() if PVE::Cluster->can('not_yet');
            my \$text = "PVE::Tools::in_a_string()";
            PVE::Tools::run_comand(['false']);
        }
        sub path { my \$class = shift; \$class->SUPER::path(\@_); \$class->SUPER::paths(\@_) }
        1;

        =head1 PVE::Tools::in_pod()

        =cut
        PLUGIN
    like_one($report->{problems}, qr/\AIt calls PVE::Tools::run_comand, .* \(lines 19, 25\)\.\z/,
        'a typo');
    like_one($report->{problems}, qr/\AIt calls PVE::Storage::DirPlugin::frobnicate, /, 'a method');
    like_one(
        $report->{problems},
        qr/\AIt calls the method paths of the base class, /,
        'of the base class'
    );
    is(scalar(grep { m/no release/ } $report->{problems}->@*), 3, 'and no other');
    like_one(
        inspected("use PVE::Tools qw(run_command nothing_such);\n$HEAD${API}1;\n")->{problems},
        qr/\AIt imports nothing_such from PVE::Tools, /,
        'an import'
    );
};

subtest 'a plugin that is not quiet, or not quick' => sub {
    my $report = inspected(
        qq($HEAD${API}print "hello\\n{}\\n"; warn "careful\\n"; system('echo me too');\n1;\n));
    is($report->{hosts}->{16}->{verdict}, 'loads', 'it may talk');
    like_one($report->{problems}, qr/\AIt prints while it is loaded: 'hello'\.\z/, 'output');
    like_one($report->{problems}, qr/\AIt warns while it is loaded: 'careful'\.\z/, 'errors');

    my $held = "$dir/held";
    my $stuck = inspected(<<~"PLUGIN", deadline => 5, levels => [9]);
        $HEAD$API
        \$SIG{TERM} = 'IGNORE';
        open(my \$fh, '>>', '$held');
        flock(\$fh, 2);
        my \$child = fork();
        syswrite(\$fh, "held\\n");
        sleep(1000) while 1;
        1;
        PLUGIN
    is(verdicts($stuck), '9:rejected', 'it has a deadline');
    is(
        $stuck->{hosts}->{9}->{reason},
        'did not come to an end within 5 s while it was compiled',
        'and is told'
    );

    # The lock is held until the last of them is gone, which takes a moment after the signal.
    open(my $fh, '<', $held) or die "cannot read '$held': $!\n";
    alarm(60);
    ok(flock($fh, LOCK_SH), 'no process of it is left');
    alarm(0);
    is(join('', <$fh>), "held\nheld\n", 'there were two');
    close($fh);
};

subtest 'no process outlives the one that looks' => sub {
    my $pids = "$dir/orphans";
    POSIX::mkfifo($pids, oct(600)) or die "cannot make '$pids': $!\n";
    my $file = written(<<~"PLUGIN");
        $HEAD$API
        open(my \$fh, '>', '$pids');
        syswrite(\$fh, "\$\$\\n");
        sleep(1000) while 1;
        1;
        PLUGIN
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        Tenon::Inspect->inspect($file, pve_lib => $pve_lib, deadline => 100);
        POSIX::_exit(0);
    }
    open(my $fh, '<', $pids) or die "cannot read '$pids': $!\n";
    my @probes;
    while (@probes < 8) {
        push @probes, scalar(<$fh>) // next;
    }
    kill('KILL', $pid);
    waitpid($pid, 0);
    alarm(60);

    # Each holds its end of the pipe, so that the end comes when the last one is gone.
    is(scalar(<$fh>), undef, 'all are gone when it is killed');
    alarm(0);
    close($fh);
};

subtest 'the script' => sub {
    my $file = written(qq($HEAD${API}print "noise\\n";\n1;\n));
    my $run = sub (@args) {
        my @pve = defined($pve_lib) ? ('--pve-lib', $pve_lib) : ();
        my $pid =
            open3(my $in, my $out, undef, $^X, "$FindBin::Bin/../bin/tenon-inspect", @pve, @args);
        close($in);
        my $said = do { local $/ = undef; <$out> };
        waitpid($pid, 0);
        return ($? >> 8, $said);
    };
    my ($status, $said) = $run->('--level', 11, $file);
    is($status, 0, 'ends well');
    is(verdicts(JSON::PP->new->utf8->decode($said)), '11:loads', 'one document, for one level');
    is_deeply([$run->("$dir/none")], [1, "the plugin file '$dir/none' does not exist\n"],
        'no file');
    is(($run->('--level', 17, $file))[0], 2, 'no such level');
    is(($run->())[0], 2, 'wrong usage');
};

subtest 'PVE\'s names' => sub {
    my $names = Tenon::Inspect::Names->load;
    ok($names->has_function('PVE::Storage::NFSPlugin', 'alloc_image'), 'by inheritance');
    ok($names->has_function('PVE::Storage::Plugin', 'volume_snapshot_list'), 'of an older release');
    ok(!$names->has_function('PVE::Tools', 'alloc_image'), 'not of another module');
    require PVE::Storage::Plugin;
    my $known = PVE::Storage::Plugin->private->{propertyList};
    is_deeply([
            grep { !$known->{$_} }
            grep { $names->is_core_property($_, 15) } keys $names->{properties}->%*
        ],
        [],
        'the base class has all properties of the newest level'
    ) if !defined($pve_lib);
    is(Tenon::Inspect::Modules::package_of('LWP::UserAgent'), 'libwww-perl', 'a known package');
    is(Tenon::Inspect::Modules::package_of('Acme::Nas_Client'),
        'libacme-nas-client-perl', 'by rule');
    is(Tenon::Inspect::Modules::known_package_of('Acme::Nas_Client'), undef, 'which is a guess');
};

subtest 'what the compat layer lacks is named' => sub {
    my $report = inspected($HEAD . <<~'PLUGIN');
        use PVE::Tools qw(run_command template_replace);
        sub status {
            my $space = PVE::Tools::df('/', 2);
            my $port = PVE::Tools::next_unused_port(1, 2);
            PVE::Tools::next_unused_port(3, 4);
            return $space;
        }
        1;
        PLUGIN
    my @lacking = grep { m/compat layer lacks/ } $report->{problems}->@*;
    if ($report->{pve} eq 'compat') {
        is(scalar(@lacking), 2, 'two functions') or diag(explain($report->{problems}));
        like(
            $lacking[0],
            qr/PVE::Tools::next_unused_port.*\(lines 17, 18\)\.\z/,
            'the lines of a call'
        );
        like($lacking[1], qr/PVE::Tools::template_replace/, 'an import');
    } else {
        is_deeply(\@lacking, [], 'PVE has all');
    }
};

subtest 'every function of PVE::Tools works on the compat layer or is named' => sub {
    my @functions = Tenon::Inspect::Names->load->functions('PVE::Tools');
    for my $function (@functions) {
        my $source = Tenon::Inspect::Source->new("PVE::Tools::$function();\n");
        my @lacking = Tenon::Inspect::Compat::lacking($source);
        my $works = Tenon::Inspect::Compat::offers('PVE::Tools', $function);
        is(scalar(@lacking), $works ? 0 : 1, $function);
    }
    ok(Tenon::Inspect::Compat::offers('PVE::Tools', $_), "$_ works")
        for qw(df du run_command lock_file shellquote O_PATH);
};

subtest 'a module of the plugin itself is in no package' => sub {
    for my $module (qw(PVE::Storage::Custom::GoodHelper PVE::Storage::Custom::Good::Api)) {
        my $report = inspected("$HEAD\nuse $module;\n1;\n");
        is_deeply($report->{missing}, [{ module => $module, package => undef }], $module);
        like_one($report->{problems},
            qr/\AThe module \Q$module\E is missing; .*comes with the plugin/, 'told');
        is(scalar(grep { m/libpve-storage-perl/ } $report->{problems}->@*), 0, 'no package');
    }
};

subtest 'a class that Tenon wrote is recognised' => sub {
    my $report =
        Tenon::Inspect->inspect("$FindBin::Bin/../lib/PVE/Storage/Custom/TenonDirPlugin.pm",
        pve_lib => $pve_lib);
    is($report->{proxy}, 1, 'as a proxy');
    is(scalar($report->{problems}->@*), 1, 'with one sentence')
        or diag(explain($report->{problems}));
    like($report->{problems}->[0], qr/\AIt is a class of Tenon/, 'that says so');
    is(inspected("${HEAD}1;\n")->{proxy}, 0, 'another is none');
};

subtest 'what a plugin opens or starts while it is loaded' => sub {
    my $quiet = inspected("$HEAD" . <<'PLUGIN');
open(my $self, '<', __FILE__) or die;
open(my $null, '>', '/dev/null') or die;
our @held = ($self, $null);
sub api { return 13 }
1;
PLUGIN
    is_deeply($quiet->{holds}, [], 'what may be shared is not told');

    my $report = inspected("$HEAD" . <<'PLUGIN');
use IO::Socket::INET;
our $listening = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;
our $connected = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listening->sockport) or die;
open(our $log, '>>', __FILE__ . '.log') or die;
pipe(our $read, our $write) or die;
our $pid = fork() // die;
if (!$pid) { exec('sleep', '60') or die }
sub api { return 13 }
1;
PLUGIN
    my $port = qr/127\.0\.0\.1:\d+/;
    my @patterns = (
        qr/\Aa socket that listens at $port\z/,
        qr/\Aa connection to $port\z/,
        qr{\Athe file '.*/GoodPlugin\.pm\.log', open for writing\z},
        qr/\Athe process '(?:sleep|perl)'\z/,
    );
    like_one($report->{holds}, $_, "held: $_") for @patterns;
    is(scalar(grep { $_ eq 'a pipe' } $report->{holds}->@*), 2, 'both ends');
    is(scalar($report->{holds}->@*), 6) or diag(explain($report->{holds}));
    like_one($report->{problems}, qr/tenon adopt --members 1/, 'a sentence');
};

subtest 'a thread that a plugin starts while it is loaded' => sub {
    plan(skip_all => 'this Perl has no threads')
        if !eval { require Config; $Config::Config{useithreads} };
    my $report = inspected("$HEAD" . <<'PLUGIN');
use threads;
use threads::shared;
my $is_up : shared = 0;
our $thread = threads->create(sub { { lock($is_up); $is_up = 1; cond_signal($is_up) } sleep(60) });
{ lock($is_up); cond_wait($is_up) while !$is_up }
sub api { return 13 }
1;
PLUGIN
    is_deeply($report->{holds}, ['a thread']) or diag(explain($report->{problems}));
};

done_testing();
