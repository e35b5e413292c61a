use v5.36;
no warnings 'once';

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

use PVE::Storage;

use Tenon::Api;
use Tenon::Inspect::Host;
use Tenon::Names;
use Tenon::Signatures;

my $dir = tempdir(CLEANUP => 1);
my $was_known = Tenon::Names::is_known();
my @abilities = Tenon::Names::abilities();
my $remove = Tenon::Names::install();

sub written ($file, $text) {
    make_path($file =~ s{/[^/]+\z}{}r);
    open(my $fh, '>:raw', $file) or die "cannot write '$file': $!\n";
    print {$fh} $text;
    close($fh) or die "cannot write '$file': $!\n";
    return $file;
}

subtest 'a host is asked, whatever its number' => sub {
    is($was_known, !$ENV{TENON_PVE_LIB}, 'what it has');
    is_deeply(\@abilities, [abilities => $was_known ? ['volname_for_format'] : []], 'what it says');
    my @include = map { "-I$_" } grep { !ref } @INC;
    my $script =
'use PVE::Storage; print PVE::Storage::APIVER, PVE::Storage::Plugin->can("volname_for_format") ? 1 : 0';
    for my $row (['15', '150'], ['16', '161']) {
        last if $ENV{TENON_PVE_LIB};
        local $ENV{TENON_API_LEVEL} = $row->[0];
        open(my $out, '-|', $^X, @include, '-e', $script) or die "$!\n";
        is(scalar(<$out>), $row->[1], "the compat layer at $row->[0]");
        close($out);
    }
};

subtest 'every case of the table' => sub {
    my %classes = (
        base => 'Plugin',
        btrfs => 'BTRFSPlugin',
        lvm => 'LVMPlugin',
        rbd => 'RBDPlugin',
        thin => 'LvmThinPlugin',
        zfs => 'ZFSPlugin',
        zfspool => 'ZFSPoolPlugin',
    );
    my $file = "$FindBin::Bin/../../core/src/test/resources/names-for-formats.txt";
    open(my $fh, '<', $file) or die "cannot read '$file': $!\n";
    my $count = 0;
    while (my $line = <$fh>) {
        chomp($line);
        next if $line =~ m/\A#/;
        my ($type, $name, $format, @answers) = split(m/\|/, $line, -1);
        for my $strict (1, 0) {
            my $answer = $answers[1 - $strict];
            next if $answer eq '';
            $count++;
            my @warnings;
            local $SIG{__WARN__} = sub { push @warnings, @_ };
            my $class = "PVE::Storage::$classes{$type}";
            my $got = eval { $class->volname_for_format($name, $format, $strict) };
            my $err = $@;
            my $what = "$type $name $format $strict";
            my ($kind, $rest) = $answer =~ m/\A(.)(.*)\z/;
            is($got, $name, $what) if $kind eq '=';

            if ($kind eq '>') {
                is($got, $rest, $what);
                is(
                    "@warnings",
"volume name '$name' is missing the '.$format' extension - allocating '$rest'\n",
                    'the warning'
                );
            } elsif ($kind eq '?') {
                is(
                    $err,
                    "illegal name $name - volume name does not match requested format '$format'"
                        . " (did you mean '$rest'?)\n",
                    $what
                );
            } elsif ($kind eq '!') {
                like($err, qr/\Q$rest\E/, $what);
            }
        }
    }
    close($fh);
    is($count, 84, 'all of them');
};

subtest 'a plugin finds the six methods without PVE\'s classes being changed' => sub {
    my $code = written("$dir/Six.pm", <<~'PLUGIN');
        package Six;
        use base qw(PVE::Storage::Plugin);
        sub volname_for_format {
            my ($class, $name, $format, $strict) = @_;
            return $class->SUPER::volname_for_format("own-$name", $format, $strict);
        }
        1;
        PLUGIN
    require $code;
    $remove->();
    is(Tenon::Names::is_known(), $was_known, 'what was installed is gone');
    Tenon::Names::inherit('Six');
    is(Tenon::Names::is_known(), $was_known, 'nothing of PVE is changed');
    ok(Six->can($_), $_)
        for
        qw(FORMAT_EXTENSION get_format_extension get_parsed_format is_valid_format volname_with_format);
    is(
        Six->volname_for_format('vm-1-x.raw', 'raw'),
        'own-vm-1-x.raw',
        'its own calls the inherited'
    );
    is_deeply(
        Six->FORMAT_EXTENSION,
        { map { $_ => $_ } qw(qcow2 raw subvol vmdk) },
        'the extensions'
    );
};

subtest 'what subs unpack' => sub {
    my $source = <<~'SOURCE';
        # sub status { my ($class) = @_; }
        sub status { my ($class, $storeid, $scfg, $cache) = @_; return }
        sub path { my $class = shift; my ($scfg, $volname, $storeid, $snapname) = @_; }
        sub get_subdir {
            my $class = shift;
            my $scfg = shift;
            return "my (\$class, \$a) = \@_;";
        }
        sub on_add_hook { my ($class, $storeid, $scfg, %sensitive) = @_; }
        sub alloc_image ($class, $storeid, $scfg, $vmid, $fmt, $name = f(1), $size = undef) { }
        sub volume_resize { my ($class, $scfg, $storeid, $volname, $size, $running, $snap, $more) = @_; }
        sub free_image { return shift->SUPER::free_image(@_) }
        sub clone_image { my ($class, @args) = @_; }
        sub deactivate_volume { my ($class, $storeid, $scfg, $volname) = @_; }
        sub unmap_volume($class, $storeid, $scfg, $volname) { }
        sub activate_volume($class, $storeid, $scfg, $volname, $snapname, $cache, $hints, $why) { }
        SOURCE
    my $subs = Tenon::Signatures::of($source);
    is("@{ $subs->{status} }", '$class $storeid $scfg $cache', 'a list');
    is("@{ $subs->{path} }", '$class $scfg $volname $storeid $snapname', 'a shift and a list');
    is("@{ $subs->{get_subdir} }", '$class $scfg', 'shifts');
    is(scalar($subs->{alloc_image}->@*), 7, 'a signature');
    is($subs->{free_image}, undef, 'what cannot be read');
    is_deeply(
        [Tenon::Signatures::misfits($source, 16, sort keys $subs->%*)],
        [
            'activate_volume unpacks 7 parameters beside the class, and level 16 has 6',
            'get_subdir unpacks 1 parameter beside the class, and level 16 has 2',
            'unmap_volume unpacks 3 parameters beside the class, and level 16 has 4',
            'volume_resize unpacks 7 parameters beside the class, and level 16 has 6',
        ],
        'those that do not fit'
    );
};

subtest 'what a PVE has that no table knows' => sub {
    written("$dir/pve/PVE/Storage.pm", "use constant APIVER => 17;\nuse constant APIAGE => 8;\n");
    written("$dir/pve/PVE/Storage/NvmePlugin.pm", "sub type { return 'nvmefs'; }\n");
    written("$dir/pve/PVE/Storage/Plugin.pm", <<~'BASE');
        package PVE::Storage::Plugin;
        our @SHARED_STORAGE = ('nfs', 'nvmeof', 'drift');
        use constant LATEST => 1;
        sub _private { my ($class) = @_; }
        my sub hidden { my ($class) = @_; }
        sub parse_volume_id { my ($volid, $noerr) = @_; }
        sub is_valid_format { my ($class, $format) = @_; }
        sub copy_image_start { my ($class, $scfg, $storeid, $volname) = @_; }
        sub copy_helper { my ($volname) = @_; }
        sub odd { return scalar(@_) }
        sub volume_resize {
            my ($class, $scfg, $storeid, $volname, $size, $running, $snapname, $online) = @_;
        }
        1;
        BASE
    my $found = Tenon::Inspect::Host->look(pve_lib => "$dir/pve");
    is_deeply([$found->@{qw(version age oldest newest)}], [17, 8, 9, 16], 'the levels');
    is_deeply(
        $found->{unknown},
        [
            { name => 'LATEST', kind => 'unread', parameters => [] },
            { name => 'copy_helper', kind => 'function', parameters => ['volname'] },
            {
                name => 'copy_image_start',
                kind => 'method',
                parameters => [qw(scfg storeid volname)]
            },
            { name => 'odd', kind => 'unread', parameters => [] },
        ],
        'its subs'
    );
    is_deeply(
        $found->{changed},
        ['volume_resize unpacks 7 parameters beside the class, and level 16 has 6'],
        'what takes another number'
    );
    ok((grep { $_ eq 'volname_for_format' } $found->{lacks}->@*), 'what it lacks');
    ok(!(grep { $_ eq 'is_valid_format' } $found->{lacks}->@*), 'and does not');
    is_deeply(
        $found->{types},
        [
            { name => 'drift', in => 'the shared types' },
            { name => 'nvmefs', in => 'NvmePlugin.pm' }
        ],
        'types'
    );
    my $real = $ENV{TENON_PVE_LIB} or return;
    my $pve = Tenon::Inspect::Host->look(pve_lib => $real);
    is_deeply(
        [$pve->@{qw(unknown changed lacks types)}],
        [[], [], [], []],
        'everything in PVE itself is known'
    );
};

done_testing();
