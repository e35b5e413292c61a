# Calls every method of AnswersPlugin, or of the proxy in its place, in every variant, and prints what came, a line each.
# With 'meant' the plugin itself says what its answers are to cross as.

use v5.36;

use JSON::PP;
use Scalar::Util qw(blessed);

use PVE::Storage;
use PVE::Storage::Plugin;
use Tenon::Api;

my ($file, $is_meant) = @ARGV;
require $file;
my $class = 'PVE::Storage::Custom::AnswersPlugin';
PVE::Storage::Custom::AnswersPlugin->import('variants');
my $variants = main->can('variants')->();
my $api = Tenon::Api->load;
my $json = JSON::PP->new->canonical->allow_nonref->allow_blessed->ascii;

my %ARGUMENTS = (
    storeid => 'nas',
    volname => 'vm-100-disk-0',
    vmid => 100,
    fmt => 'raw',
    name => undef,
    size => 1024,
    feature => 'copy',
    attribute => 'notes',
    vtype => 'images',
    source_volname => 'vm-100-disk-0',
    target_vmid => 100,
    content_types => ['images'],
    target_volname => 'vm-100-disk-7',
    keep => {},
    options => {},
    opts => {},
    format => 'raw',
);

# Which of undef, text, numbers and booleans it is, where JSON tells them apart; text elsewhere.
sub shown ($value, $is_json) {
    return undef if !defined($value);
    return { map { $_ => shown($value->{$_}, $is_json) } keys $value->%* } if ref($value) eq 'HASH';
    return [map { shown($_, $is_json) } $value->@*] if ref($value) eq 'ARRAY';
    return ref($value) eq 'CODE' ? 'CODE' : $is_json ? $value : "$value";
}

for my $method (sort keys $variants->%*) {
    my $row = $api->method($method);
    my $result = $row->{result};
    my $is_bool = ($result->{kind} // '') eq 'bool';
    my $is_list = $row->{context} eq 'list';
    for my $i (0 .. $variants->{$method}->$#*) {
        my @args = map {
            $_->{kind} eq 'section'
                ? { type => 'answers', path => '/x', answer => $i }
                : $ARGUMENTS{ $_->{name} }
        } $api->params_at($row, $api->newest)->@*;
        my $meant = $is_meant ? $variants->{$method}->[$i] : undef;
        my @got =
            $is_list ? eval { $class->$method(@args) } : (scalar(eval { $class->$method(@args) }));
        my $err = $@;
        if ($method eq 'deactivate_volume') {
            @got = ($meant ? $meant->[0] : "$err" =~ s{ at \S*/(\w+\.pm) }{ at $1 }r);
        } elsif ($err) {
            @got = ("died: $err");
        } elsif ($meant) {
            @got = $is_list ? $meant->[0]->@* : $meant->[0];
        }

        # A list that is too short is assigned as if it ended in undef, and a truth is a truth.
        pop @got while $is_list && @got && !defined($got[-1]);
        @got = ($got[0] ? 1 : 0) if $is_bool;
        @got = ([]) if ($result->{shape} // '') eq 'list' && !defined($got[0]);
        say "$method $i ",
            $json->encode([map { shown($_, ($result->{kind} // '') eq 'json') } @got]);
    }
}
